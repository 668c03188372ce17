# SPDX-License-Identifier: Apache-2.0
# Options every target of the project is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, …" FORCE)
endif()

# -O3 costs minutes of compiling and is given to kernels alone, where it is used (cmake/plugins.cmake, base).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  # Relative paths, so that copies of the tree share what one of them has compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# The meaning of every operator is fixed to the bit: the compiler may not fuse or reorder floating-point arithmetic.
add_compile_options(-ffp-contract=off -fno-fast-math)
add_compile_options(-Wall -Wextra -Wno-psabi)

# dev and tsan presets set this: "address;undefined" or "thread".
set(ISTHMUS_SANITIZE "" CACHE STRING "Sanitizers to build with, semicolon separated")
if(ISTHMUS_SANITIZE)
  list(JOIN ISTHMUS_SANITIZE "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
  add_compile_definitions(ISTHMUS_SANITIZED)
endif()

# The coverage preset: run the tests, then gcovr or lcov on build/coverage.
option(ISTHMUS_COVERAGE "Count which lines the tests run" OFF)
if(ISTHMUS_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
