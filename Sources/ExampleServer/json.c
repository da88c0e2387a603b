// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { DEEPEST_LEVEL = 64 };

typedef struct {
  Arena *arena;
  const char *at;
  const char *end;
  const char *problem;
} Reader;

static bool read_value(Reader *reader, JSONValue *value, int level);

static bool complain(Reader *reader, const char *problem) {
  reader->problem = problem;
  return false;
}

static void skip_space(Reader *reader) {
  while (reader->at < reader->end && strchr(" \t\n\r", *reader->at) != NULL && *reader->at != 0) {
    reader->at++;
  }
}

/// Passes a character if it comes next.
static bool pass(Reader *reader, char character) {
  if (reader->at == reader->end || *reader->at != character) return false;
  reader->at++;
  return true;
}

static bool pass_word(Reader *reader, const char *word) {
  Slice rest = {reader->at, (size_t)(reader->end - reader->at)};
  if (!slice_starts(rest, slice_of(word))) return complain(reader, "JSON has an unknown word");
  reader->at += strlen(word);
  return true;
}

static bool at_digit(const Reader *reader) {
  return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool pass_digits(Reader *reader) {
  if (!at_digit(reader)) return complain(reader, "JSON has a number without digits");
  while (at_digit(reader)) reader->at++;
  return true;
}

static bool read_number(Reader *reader, JSONValue *value) {
  bool negative = pass(reader, '-');
  const char *digits = reader->at;
  if (!pass_digits(reader)) return false;
  if (*digits == '0' && reader->at - digits > 1) {
    return complain(reader, "JSON has a number that starts with 0");
  }
  const char *digits_end = reader->at;
  value->kind = JSON_INTEGER;
  if (pass(reader, '.')) {
    value->kind = JSON_OTHER_NUMBER;
    if (!pass_digits(reader)) return false;
  }
  if (pass(reader, 'e') || pass(reader, 'E')) {
    value->kind = JSON_OTHER_NUMBER;
    if (!pass(reader, '+')) pass(reader, '-');
    if (!pass_digits(reader)) return false;
  }
  for (const char *digit = digits; digit < digits_end; digit++) {
    if (value->integer > (INT64_MAX - 9) / 10) {
      value->kind = JSON_OTHER_NUMBER;
      break;
    }
    value->integer = 10 * value->integer + (*digit - '0');
  }
  if (negative) value->integer = -value->integer;
  return true;
}

static bool read_hex(Reader *reader, uint32_t *unit) {
  *unit = 0;
  for (int digit = 0; digit < 4; digit++) {
    if (reader->at == reader->end) return complain(reader, "JSON ends in a string");
    char character = *reader->at++;
    uint32_t number;
    if (character >= '0' && character <= '9') {
      number = (uint32_t)(character - '0');
    } else if (character >= 'a' && character <= 'f') {
      number = (uint32_t)(character - 'a') + 10;
    } else if (character >= 'A' && character <= 'F') {
      number = (uint32_t)(character - 'A') + 10;
    } else {
      return complain(reader, "JSON has a \\u without four hexadecimal digits");
    }
    *unit = 16 * *unit + number;
  }
  return true;
}

/// Reads what stands behind `\u`, with its second half if it is a surrogate.
static bool read_scalar(Reader *reader, uint32_t *scalar) {
  if (!read_hex(reader, scalar)) return false;
  if (*scalar < 0xD800 || *scalar > 0xDFFF) return true;
  uint32_t low = 0;
  if (*scalar > 0xDBFF || !pass(reader, '\\') || !pass(reader, 'u') || !read_hex(reader, &low)
      || low < 0xDC00 || low > 0xDFFF) {
    return complain(reader, "JSON has a surrogate alone");
  }
  *scalar = 0x10000 + ((*scalar - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

/// Puts the meaning of an escape behind `size` bytes of `decoded`; it is no longer than the escape.
static bool read_escape(Reader *reader, char *decoded, size_t *size) {
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  if (reader->at == reader->end) return complain(reader, "JSON ends in a string");
  char letter = *reader->at++;
  if (letter == 'u') {
    uint32_t scalar;
    if (!read_scalar(reader, &scalar)) return false;
    *size += utf8_write(scalar, decoded + *size);
    return true;
  }
  const char *found = letter == 0 ? NULL : strchr(letters, letter);
  if (found == NULL) return complain(reader, "JSON has an unknown escape");
  decoded[(*size)++] = meanings[found - letters];
  return true;
}

static bool read_string(Reader *reader, Slice *string) {
  const char *start = reader->at;
  size_t escapes = 0;
  while (reader->at < reader->end && *reader->at != '"') {
    if ((unsigned char)*reader->at < 0x20) return complain(reader, "JSON has a raw control byte");
    if (*reader->at++ != '\\') continue;
    escapes++;
    if (reader->at < reader->end) reader->at++;
  }
  if (reader->at == reader->end) return complain(reader, "JSON ends in a string");
  const char *end = reader->at++;
  *string = (Slice){start, (size_t)(end - start)};
  if (escapes == 0) return true;
  char *decoded = arena_make(reader->arena, string->size, 1);
  size_t size = 0;
  Reader inside = {reader->arena, start, end, NULL};
  while (inside.at < end) {
    if (pass(&inside, '\\')) {
      if (!read_escape(&inside, decoded, &size)) return complain(reader, inside.problem);
    } else {
      decoded[size++] = *inside.at++;
    }
  }
  *string = (Slice){decoded, size};
  return true;
}

static int compare_names(const void *left, const void *right) {
  return slice_compare(
      (*(const JSONMember *const *)left)->name, (*(const JSONMember *const *)right)->name);
}

static bool names_differ(Reader *reader, const JSONValue *object) {
  const JSONMember **sorted = arena_make(reader->arena, object->count, sizeof *sorted);
  for (size_t index = 0; index < object->count; index++) sorted[index] = &object->members[index];
  if (object->count > 1) qsort(sorted, object->count, sizeof *sorted, compare_names);
  for (size_t index = 1; index < object->count; index++) {
    if (slice_equal(sorted[index - 1]->name, sorted[index]->name)) {
      return complain(reader, "JSON has a name twice in an object");
    }
  }
  return true;
}

/// Reads a list or an object up to its last bracket.
static bool read_members(Reader *reader, JSONValue *value, char last, int level) {
  if (level == DEEPEST_LEVEL) return complain(reader, "JSON is nested too deeply");
  skip_space(reader);
  if (pass(reader, last)) return true;
  size_t capacity = 0;
  do {
    if (value->count == capacity) {
      capacity = capacity == 0 ? 4 : 2 * capacity;
      value->members =
          arena_grow(reader->arena, value->members, value->count, capacity, sizeof(JSONMember));
    }
    JSONMember *member = &value->members[value->count++];
    if (value->kind == JSON_OBJECT) {
      skip_space(reader);
      if (!pass(reader, '"')) return complain(reader, "JSON lacks the name of a member");
      if (!read_string(reader, &member->name)) return false;
      skip_space(reader);
      if (!pass(reader, ':')) return complain(reader, "JSON lacks a colon");
    }
    if (!read_value(reader, &member->value, level + 1)) return false;
    skip_space(reader);
  } while (pass(reader, ','));
  if (!pass(reader, last)) return complain(reader, "JSON lacks a comma or a bracket");
  return value->kind == JSON_LIST || names_differ(reader, value);
}

static bool read_value(Reader *reader, JSONValue *value, int level) {
  skip_space(reader);
  if (reader->at == reader->end) return complain(reader, "JSON ends too early");
  switch (*reader->at) {
    case '{':
      reader->at++;
      value->kind = JSON_OBJECT;
      return read_members(reader, value, '}', level);
    case '[':
      reader->at++;
      value->kind = JSON_LIST;
      return read_members(reader, value, ']', level);
    case '"':
      reader->at++;
      value->kind = JSON_STRING;
      return read_string(reader, &value->string);
    case 'n':
      value->kind = JSON_NULL;
      return pass_word(reader, "null");
    case 't':
      value->kind = JSON_TRUE;
      return pass_word(reader, "true");
    case 'f':
      value->kind = JSON_FALSE;
      return pass_word(reader, "false");
    default:
      return read_number(reader, value);
  }
}

const JSONValue *json_read(Arena *arena, Slice text, const char **problem) {
  if (!utf8_valid(text)) {
    *problem = "JSON is not UTF-8";
    return NULL;
  }
  Reader reader = {arena, text.at, text.at + text.size, NULL};
  JSONValue *value = arena_make(arena, 1, sizeof *value);
  bool complete = read_value(&reader, value, 0);
  if (complete) {
    skip_space(&reader);
    if (reader.at != reader.end) complete = complain(&reader, "JSON has text behind its end");
  }
  *problem = reader.problem;
  return complete ? value : NULL;
}

const JSONValue *json_member(const JSONValue *value, const char *name) {
  if (value == NULL || value->kind != JSON_OBJECT) return NULL;
  for (size_t index = 0; index < value->count; index++) {
    const JSONMember *member = &value->members[index];
    if (!slice_is(member->name, name)) continue;
    return member->value.kind == JSON_NULL ? NULL : &member->value;
  }
  return NULL;
}

bool json_string(const JSONValue *value, Slice *string) {
  if (value == NULL || value->kind != JSON_STRING) return false;
  *string = value->string;
  return true;
}
