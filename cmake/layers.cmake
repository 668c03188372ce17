# SPDX-License-Identifier: Apache-2.0
# isthmus_layer(NAME USES …): a static library isthmus_NAME of src/NAME/**.cpp, and isthmus_NAME_test of its *_test.cpp.
# Files with a device's suffix (x_cpu.cpp) belong to that device's plug-in and are left out; so are fuzz targets and main.cpp.
function(isthmus_layer name)
  cmake_parse_arguments(LAYER "" "" "USES" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_(test|fuzz|cpu|opencl|cuda)|/main)\\.cpp$")

  set(kind PUBLIC)
  if(sources)
    add_library(isthmus_${name} STATIC ${sources})
  else()
    set(kind INTERFACE)
    add_library(isthmus_${name} INTERFACE)
  endif()
  target_include_directories(isthmus_${name} ${kind} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(isthmus_${name} ${kind} ${LAYER_USES})
  isthmus_test(${name} SOURCES ${tests} USES isthmus_${name})
endfunction()

# isthmus_test(NAME SOURCES … USES …): one GoogleTest binary, its cases registered with CTest under the label "fast".
# Tests find files of the source tree under the macro ISTHMUS_SOURCE_DIR and built plug-ins under ISTHMUS_PLUGIN_DIR.
function(isthmus_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;USES" ${ARGN})
  if(NOT ISTHMUS_TESTS OR NOT TEST_SOURCES)
    return()
  endif()
  add_executable(isthmus_${name}_test ${TEST_SOURCES})
  target_link_libraries(isthmus_${name}_test PRIVATE ${TEST_USES} GTest::gtest GTest::gtest_main)
  target_compile_definitions(isthmus_${name}_test PRIVATE
    ISTHMUS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ISTHMUS_PLUGIN_DIR="${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/isthmus")
  gtest_discover_tests(isthmus_${name}_test PROPERTIES LABELS fast DISCOVERY_TIMEOUT 60)
endfunction()
