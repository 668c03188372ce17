# SPDX-License-Identifier: Apache-2.0
# The libraries the project stands on; docs/dependencies.md says why each.
find_package(Threads REQUIRED)

if(CMAKE_CROSSCOMPILING)
  # Debian has no libraries for some of the machines we cross-build for: fmt from its headers, GoogleTest from Debian's
  # source package, both of the building machine.
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/host_headers)
  file(CREATE_LINK /usr/include/fmt ${CMAKE_BINARY_DIR}/host_headers/fmt SYMBOLIC)
  add_library(fmt::fmt INTERFACE IMPORTED GLOBAL)
  target_include_directories(fmt::fmt INTERFACE ${CMAKE_BINARY_DIR}/host_headers)
  target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
else()
  find_package(fmt REQUIRED)
endif()

if(NOT ISTHMUS_MINIMAL)
  find_package(CLI11 REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
  pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
endif()

if(ISTHMUS_TESTS)
  if(CMAKE_CROSSCOMPILING)
    set(INSTALL_GTEST OFF)
    add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  else()
    find_package(GTest REQUIRED)
  endif()
  include(GoogleTest)
  enable_testing()
endif()
