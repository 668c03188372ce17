# SPDX-License-Identifier: Apache-2.0
# The public library: libisthmus.so of src/api over all layers, exporting the C functions of include/isthmus alone; and
# what `cmake --install` puts where. Chips lie in lib/isthmus beside the library, where it and bin/isthmus look.
include(CMakePackageConfigHelpers)

file(GLOB api_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/api/*.cpp)
list(FILTER api_sources EXCLUDE REGEX "_test\\.cpp$")
add_library(isthmus SHARED ${api_sources})
add_library(isthmus::isthmus ALIAS isthmus)
target_link_libraries(isthmus PRIVATE isthmus_llm)
target_include_directories(isthmus INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_definitions(isthmus PRIVATE ISTHMUS_VERSION_STRING="${PROJECT_VERSION}")
target_link_options(isthmus PRIVATE
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/library.map -Wl,--exclude-libs,ALL)
# Until 1.0 a minor version may change the interface, so it is part of the soname.
set_target_properties(isthmus PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/library.map)
# Who builds the library gets the chips it loads.
get_property(plugins GLOBAL PROPERTY ISTHMUS_PLUGINS)
if(plugins)
  add_dependencies(isthmus ${plugins})
endif()

# What a chip maker needs: the headers, nothing to link.
add_library(isthmus_plugin_headers INTERFACE)
set_target_properties(isthmus_plugin_headers PROPERTIES EXPORT_NAME plugin)
target_include_directories(isthmus_plugin_headers INTERFACE $<INSTALL_INTERFACE:include>)

install(TARGETS isthmus isthmus_plugin_headers EXPORT isthmus-targets LIBRARY DESTINATION lib)
install(TARGETS isthmus_program RUNTIME DESTINATION bin)
# The null chip is a skeleton: its source is installed, with the formulas and pages that a chip maker needs.
list(REMOVE_ITEM plugins isthmus_plugin_null)
if(plugins)
  install(TARGETS ${plugins} LIBRARY DESTINATION lib/isthmus)
endif()
install(DIRECTORY include/isthmus DESTINATION include FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(DIRECTORY src/devices/null DESTINATION share/isthmus)
install(FILES src/base/elementary-inl.h DESTINATION share/isthmus)
install(DIRECTORY docs/ DESTINATION share/doc/isthmus FILES_MATCHING PATTERN "*.md" PATTERN "*.json.gz")
install(FILES LICENSE DESTINATION share/doc/isthmus)

# find_package(isthmus) gives the targets isthmus::isthmus and isthmus::plugin.
set(package_folder lib/cmake/isthmus)
install(EXPORT isthmus-targets NAMESPACE isthmus:: DESTINATION ${package_folder})
configure_package_config_file(cmake/isthmus-config.cmake.in ${CMAKE_BINARY_DIR}/generated/isthmus-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/isthmus-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/isthmus-config.cmake
  ${CMAKE_BINARY_DIR}/generated/isthmus-config-version.cmake DESTINATION ${package_folder})
