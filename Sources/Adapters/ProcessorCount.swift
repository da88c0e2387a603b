// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The processors of this machine.
package enum ProcessorCount {
  /// The number of processors the system may schedule on now.
  package static let online = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
