# The library is C++ alone; C is for the example and the tests of its C interface, where a C compiler is
# found. Sets CUSYNAPSE_HAS_C. Must be included, not called: enabling a language acts on the directory.

set(CUSYNAPSE_HAS_C OFF)
if(CUSYNAPSE_BUILD_TESTS OR CUSYNAPSE_BUILD_EXAMPLES)
  include(CheckLanguage)
  check_language(C)
  if(CMAKE_C_COMPILER)
    enable_language(C)
    set(CUSYNAPSE_HAS_C ON)
  else()
    message(STATUS "No C compiler found: the example and the tests in C are left out")
  endif()
endif()
