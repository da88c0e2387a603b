// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef JSON_H
#define JSON_H

#include "memory.h"

typedef enum {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  /// A number without fraction and exponent that 64 bits hold.
  JSON_INTEGER,
  JSON_OTHER_NUMBER,
  JSON_STRING,
  JSON_LIST,
  JSON_OBJECT,
} JSONKind;

typedef struct JSONMember JSONMember;

typedef struct {
  JSONKind kind;
  int64_t integer;
  Slice string;
  /// Those of an object, or the elements of a list, without names.
  JSONMember *members;
  size_t count;
} JSONValue;

struct JSONMember {
  Slice name;
  JSONValue value;
};

/// Reads a document as RFC 8259 writes it, in UTF-8, with no name twice in an object and at most 64
/// levels; strings without escapes point into `text`. Gives null and a `problem` if it is none.
const JSONValue *json_read(Arena *arena, Slice text, const char **problem);

/// The member of an object, or null if there is none or the value is null or no object.
const JSONValue *json_member(const JSONValue *value, const char *name);

/// Whether a value, which may be null, is a string, which then is put into `string`.
bool json_string(const JSONValue *value, Slice *string);

#endif
