# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: every src/LAYER/**/x_fuzz.cpp defines LLVMFuzzerTestOneInput; its seeds are the files of tests/fuzz/x/.
# With ISTHMUS_FUZZ (clang-19; the preset fuzz) each becomes a libFuzzer program bin/x_fuzz, which tools/fuzz runs.
# Otherwise each becomes bin/x_fuzz_seeds, which feeds it the seeds once; a CTest case runs that with any compiler.
option(ISTHMUS_FUZZ "Build the fuzz targets with libFuzzer" OFF)

# Before the layers: they too must report their coverage to libFuzzer.
if(ISTHMUS_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "ISTHMUS_FUZZ needs clang: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Operators compute what others have parsed and checked; instrumented, they would take most of this build's time.
# (The preset dev instruments everything.)
function(isthmus_not_fuzzed)
  if(ISTHMUS_FUZZ)
    foreach(target IN LISTS ARGN)
      target_compile_options(${target} PRIVATE -fno-sanitize=all -O0 -g0)
    endforeach()
  endif()
endfunction()

# After the layers.
function(isthmus_fuzz_targets)
  add_custom_target(fuzzers)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*_fuzz.cpp)
  foreach(file IN LISTS files)
    get_filename_component(fuzzer ${file} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name ${fuzzer})
    file(RELATIVE_PATH layer ${PROJECT_SOURCE_DIR}/src ${file})
    string(REGEX REPLACE "/.*" "" layer ${layer})
    if(ISTHMUS_FUZZ)
      add_executable(${fuzzer} ${file})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzzers ${fuzzer})
    elseif(ISTHMUS_TESTS)
      set(fuzzer ${fuzzer}_seeds)
      add_executable(${fuzzer} ${file} ${PROJECT_SOURCE_DIR}/tests/fuzz/feed_seeds.cpp)
      add_test(NAME Fuzz.${name}_seeds COMMAND ${fuzzer} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name})
      set_tests_properties(Fuzz.${name}_seeds PROPERTIES LABELS fast)
    else()
      continue()
    endif()
    target_link_libraries(${fuzzer} PRIVATE isthmus_${layer})
  endforeach()
endfunction()
