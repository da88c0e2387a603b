// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What an adapter can be asked, by the names in frames.
enum ProtocolOperation: String, Sendable, CaseIterable {
  case hello
  case fromHF = "from_hf"
  case toHF = "to_hf"
  case convertSingleTensorToHF = "convert_single_tensor_to_hf"
  case isMTPKey = "is_mtp_key"
}
