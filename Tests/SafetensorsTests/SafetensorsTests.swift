// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors
