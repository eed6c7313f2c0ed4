// Version of the library. CMakeLists.txt reads it from here.
#pragma once

#define CUSYNAPSE_VERSION_MAJOR 0
#define CUSYNAPSE_VERSION_MINOR 1
#define CUSYNAPSE_VERSION_PATCH 0
