# Tests of the CUDA backend where there is no GPU: the same objects, linked with a CUDA runtime that
# reads the kernels' PTX and interprets it. PTX that nvcc has compressed it cannot read: the presets ask
# for --no-compress in CUDAFLAGS, and without it these tests are skipped.

set(CUSYNAPSE_EMULATES_CUDA OFF)
if(CUSYNAPSE_HAS_CUDA AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(CUSYNAPSE_EMULATES_CUDA ON)
endif()
set(cusynapse_kernels_run ${CMAKE_CURRENT_BINARY_DIR}/emulated/kernels)

# cusynapse_add_emulated_program(<program> <libraries besides cusynapse and CUDA's runtime>): the program
# <program>_emulated.
function(cusynapse_add_emulated_program name libraries)
  add_executable(${name}_emulated $<TARGET_OBJECTS:${name}>)
  set_target_properties(${name}_emulated PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name}_emulated PRIVATE cusynapse_emulated ${libraries})
endfunction()

# cusynapse_add_emulated_entry(<test> <command...>): a test that runs such a program.
function(cusynapse_add_emulated_entry name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    LABELS emulated
    SKIP_RETURN_CODE ${nothing_ran}
    FIXTURES_REQUIRED kernels_test_begins
    FIXTURES_SETUP kernels_test_ends
    ENVIRONMENT "OMP_NUM_THREADS=1;CUSYNAPSE_TEST_SMALL=1;EMULATED_KERNELS=${cusynapse_kernels_run}")
endfunction()

# cusynapse_add_emulated_test(<test> <filter> <libraries>): of a program of cusynapse_add_test.
function(cusynapse_add_emulated_test name filter libraries)
  list(REMOVE_ITEM libraries CUDA::cudart_static)
  cusynapse_add_emulated_program(${name} "cusynapse_test_main;${libraries}")
  cusynapse_add_emulated_entry(${name}_emulated ${name}_emulated "--gtest_filter=${filter}")
endfunction()
