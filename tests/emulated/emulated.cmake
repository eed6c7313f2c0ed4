# Tests of the CUDA backend where there is no GPU: the same objects, linked with a CUDA runtime that
# reads the kernels' PTX and interprets it.

set(CUSYNAPSE_EMULATES_CUDA OFF)
if(CUSYNAPSE_HAS_CUDA AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(CUSYNAPSE_EMULATES_CUDA ON)
endif()
set(cusynapse_kernels_run ${CMAKE_CURRENT_BINARY_DIR}/emulated/kernels)

# cusynapse_add_emulated_test(<test> <filter> <libraries>)
function(cusynapse_add_emulated_test name filter libraries)
  list(REMOVE_ITEM libraries CUDA::cudart_static)
  add_executable(${name}_emulated $<TARGET_OBJECTS:${name}>)
  target_link_libraries(${name}_emulated PRIVATE cusynapse_emulated cusynapse_test_main ${libraries})
  add_test(NAME ${name}_emulated COMMAND ${name}_emulated "--gtest_filter=${filter}")
  set_tests_properties(${name}_emulated PROPERTIES
    LABELS emulated
    SKIP_RETURN_CODE ${nothing_ran}
    FIXTURES_REQUIRED kernels_test_begins
    FIXTURES_SETUP kernels_test_ends
    ENVIRONMENT "OMP_NUM_THREADS=1;CUSYNAPSE_TEST_SMALL=1;EMULATED_KERNELS=${cusynapse_kernels_run}")
endfunction()
