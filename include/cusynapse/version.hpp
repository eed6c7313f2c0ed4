// Version of the library. CMakeLists.txt reads it from here.
#pragma once

#define CUSYNAPSE_VERSION_MAJOR 0  ///< changes with incompatible interfaces, from 1 on
#define CUSYNAPSE_VERSION_MINOR 1  ///< before 1.0, may change the interface
#define CUSYNAPSE_VERSION_PATCH 0  ///< changes with corrections alone
