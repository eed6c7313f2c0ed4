// Symbol visibility of the shared library.
#pragma once

/// Marks what a shared library shows.
#if defined(__GNUC__)
#define CUSYNAPSE_EXPORT __attribute__((visibility("default")))
#else
#define CUSYNAPSE_EXPORT
#endif
