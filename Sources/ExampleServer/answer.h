// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef ANSWER_H
#define ANSWER_H

#include "tensors.h"

/// The frame of an answer: the first part, which owns its memory, and the tensors' data behind it.
typedef struct {
  Text start;
  TensorList tensors;
} Answer;

/// Answers the safetensors buffer of one request, from whose memory and `arena` the tensors come.
/// Ends the process if no request can be made out in it.
Answer answer_request(Arena *arena, Slice buffer);

#endif
