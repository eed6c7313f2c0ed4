// Symbol visibility of the shared library.
#pragma once

#if defined(_WIN32)
#if defined(CUSYNAPSE_BUILDING_SHARED)
#define CUSYNAPSE_EXPORT __declspec(dllexport)
#elif defined(CUSYNAPSE_USING_SHARED)
#define CUSYNAPSE_EXPORT __declspec(dllimport)
#else
#define CUSYNAPSE_EXPORT
#endif
#else
#define CUSYNAPSE_EXPORT __attribute__((visibility("default")))
#endif
