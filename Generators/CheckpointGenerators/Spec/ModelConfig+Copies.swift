// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts

extension ModelConfig {
  /// The same config with another number of multi-token prediction layers.
  ///
  /// - Throws: `ConfigError` if the number is out of range.
  public func with(mtpLayerCount: Int) throws(ConfigError) -> ModelConfig {
    var draft = ConfigDraft(self)
    draft.mtpLayers = mtpLayerCount
    return try draft.made()
  }
}
