@testable import ExternalAdapters
