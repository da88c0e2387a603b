// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "answer.h"

#include <string.h>

#include "conversion.h"

static const char protocol[] = "hymt2-adapter/1";

/// What this adapter can do; it has neither low-rank factors nor casts, scales and patterns.
static const char supports[] =
    "{\"LoRA\":[\"none\"],"
    "\"activation\":[\"swiglu\",\"swigluoai\",\"quick_geglu\",\"geglu\"],"
    "\"expert type\":[\"bf16\",\"f16\",\"f32\",\"f8e4m3\",\"f8e5m2\"],"
    "\"target type\":[\"as the experts\"],"
    "\"exclusion\":[\"none\"]}";

typedef struct {
  Arena *arena;
  const JSONValue *metadata;
  /// In the order of their names.
  TensorList tensors;
  const JSONValue *request;
  Refusal refusal;
  Text header;
  TensorList output;
} Exchange;

static void refuse_request(Exchange *exchange, const char *fault) {
  refuse(&exchange->refusal, "ProtocolError", fault);
}

/// The document in a member of the metadata, or null.
static const JSONValue *read_document(Exchange *exchange, const char *name) {
  Slice text;
  if (!json_string(json_member(exchange->metadata, name), &text)) return NULL;
  const char *problem;
  const JSONValue *document = json_read(exchange->arena, text, &problem);
  if (document == NULL) refuse_request(exchange, problem);
  return document;
}

/// The tensors in the order of `keys`, which has to name each of them once.
static TensorList ordered_tensors(Exchange *exchange) {
  TensorList ordered = {0};
  const JSONValue *keys = read_document(exchange, "keys");
  size_t count = keys == NULL ? 0 : keys->count;
  if ((keys != NULL && keys->kind != JSON_LIST) || count != exchange->tensors.count) {
    refuse_request(exchange, "keys are not the names of the frame's tensors");
    return ordered;
  }
  ordered.items = arena_make(exchange->arena, count, sizeof *ordered.items);
  bool *is_named = arena_make(exchange->arena, count, sizeof *is_named);
  for (size_t index = 0; index < count; index++) {
    Slice name;
    const Tensor *tensor = json_string(&keys->members[index].value, &name)
                               ? tensor_named(&exchange->tensors, name)
                               : NULL;
    if (tensor == NULL || is_named[tensor - exchange->tensors.items]) {
      refuse_request(exchange, "keys are not the names of the frame's tensors");
      return ordered;
    }
    is_named[tensor - exchange->tensors.items] = true;
    ordered.items[ordered.count++] = *tensor;
  }
  return ordered;
}

static void convert(Exchange *exchange, Direction direction, bool is_single) {
  TensorList input = ordered_tensors(exchange);
  Settings settings = settings_read(exchange->request, &exchange->refusal);
  if (direction == TO_DISK) settings_check_exclusion(exchange->request, &exchange->refusal);
  Slice name;
  if (is_single
      && (!json_string(json_member(exchange->request, "fqn"), &name) || input.count != 1
          || !slice_equal(input.items[0].name, name))) {
    refuse_request(exchange, "the frame's tensor is not the one that fqn names");
  }
  if (exchange->refusal.type != NULL) return;
  exchange->output = direction == TO_NATIVE
                         ? from_hf(exchange->arena, &settings, &input, &exchange->refusal)
                         : to_hf(exchange->arena, &settings, &input, &exchange->refusal);
}

static void answer_is_mtp_key(Exchange *exchange) {
  Settings settings = settings_read_mtp(exchange->request, &exchange->refusal);
  Slice name = {0};
  if (!json_string(json_member(exchange->request, "fqn"), &name)) {
    refuse_request(exchange, "fqn is missing");
  }
  if (exchange->refusal.type != NULL) return;
  const char *is_mtp = key_is_mtp(&settings, name) ? "true" : "false";
  header_add_string(&exchange->header, "is_mtp", slice_of(is_mtp));
}

static void dispatch(Exchange *exchange) {
  Slice said = {0}, operation = {0};
  if (!json_string(json_member(exchange->metadata, "protocol"), &said)
      || !slice_is(said, protocol)) {
    refuse_request(exchange, "this adapter speaks hymt2-adapter/1 only");
    return;
  }
  json_string(json_member(exchange->metadata, "op"), &operation);
  if (slice_is(operation, "hello")) {
    header_add_string(&exchange->header, "name", slice_of("example-c-adapter"));
    header_add_string(&exchange->header, "version", slice_of("1"));
    header_add_string(&exchange->header, "supports", slice_of(supports));
    return;
  }
  exchange->request = read_document(exchange, "request");
  if (exchange->refusal.type != NULL) return;
  if (slice_is(operation, "from_hf")) {
    convert(exchange, TO_NATIVE, false);
  } else if (slice_is(operation, "to_hf")) {
    convert(exchange, TO_DISK, false);
  } else if (slice_is(operation, "convert_single_tensor_to_hf")) {
    convert(exchange, TO_DISK, true);
  } else if (slice_is(operation, "is_mtp_key")) {
    answer_is_mtp_key(exchange);
  } else {
    refuse_request(exchange, "unknown op");
  }
}

static void add_keys(Exchange *exchange) {
  Text keys = {0};
  text_add(&keys, slice_of("["));
  for (size_t index = 0; index < exchange->output.count; index++) {
    if (index > 0) text_add(&keys, slice_of(","));
    text_add_json_string(&keys, exchange->output.items[index].name);
  }
  text_add(&keys, slice_of("]"));
  header_add_string(&exchange->header, "keys", text_slice(&keys));
  text_free(&keys);
}

static void add_little_endian(Text *text, uint64_t number) {
  char bytes[8];
  for (int byte = 0; byte < 8; byte++) bytes[byte] = (char)(number >> (8 * byte) & 0xFF);
  text_add(text, (Slice){bytes, sizeof bytes});
}

Answer answer_request(Arena *arena, Slice buffer) {
  Exchange exchange = {.arena = arena};
  const char *problem = safetensors_read(arena, buffer, &exchange.metadata, &exchange.tensors);
  Slice identifier;
  if (!json_string(json_member(exchange.metadata, "id"), &identifier)) {
    fail(problem != NULL ? problem : "a request without id");
  }
  header_begin(&exchange.header);
  header_add_string(&exchange.header, "protocol", slice_of(protocol));
  header_add_string(&exchange.header, "id", identifier);
  if (problem != NULL) {
    refuse_request(&exchange, problem);
  } else {
    dispatch(&exchange);
  }
  if (exchange.refusal.type == NULL) {
    header_add_string(&exchange.header, "ok", slice_of("true"));
  } else {
    refusal_end(&exchange.refusal);
    exchange.output.count = 0;
    header_add_string(&exchange.header, "ok", slice_of("false"));
    header_add_string(&exchange.header, "error_type", slice_of(exchange.refusal.type));
    header_add_string(
        &exchange.header, "error_message", text_slice(&exchange.refusal.message));
  }
  add_keys(&exchange);
  uint64_t data_size = header_end(&exchange.header, &exchange.output);

  Answer answer = {.tensors = exchange.output};
  add_little_endian(&answer.start, 8 + exchange.header.size + data_size);
  add_little_endian(&answer.start, exchange.header.size);
  text_add(&answer.start, text_slice(&exchange.header));
  text_free(&exchange.header);
  text_free(&exchange.refusal.message);
  return answer;
}
