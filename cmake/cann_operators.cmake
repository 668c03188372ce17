# SPDX-License-Identifier: Apache-2.0
# isthmus_cann_operators(TARGET INCLUDE): what src/cann/operators/generate.py makes of the tables beside it: the headers
# aclnnop/*.h below the folder INCLUDE, and the C entry points, added to TARGET.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(isthmus_cann_operators target include)
  set(folder ${PROJECT_SOURCE_DIR}/src/cann/operators)
  set(output ${CMAKE_BINARY_DIR}/generated/cann)
  file(GLOB tables CONFIGURE_DEPENDS ${folder}/*.tsv)
  file(GLOB adapters CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(sources ${output}/all_operators.cpp)
  foreach(table IN LISTS tables)
    get_filename_component(name ${table} NAME_WE)
    list(APPEND sources ${output}/entries_${name}.cpp)
  endforeach()
  # The generator leaves unchanged files alone, so that editing one row rebuilds one file; a stamp marks its run.
  add_custom_command(OUTPUT ${output}/stamp BYPRODUCTS ${sources} DEPENDS ${tables} ${adapters} ${folder}/generate.py
    COMMAND Python3::Interpreter ${folder}/generate.py headers ${include}/aclnnop
    COMMAND Python3::Interpreter ${folder}/generate.py entries ${output}
    COMMAND ${CMAKE_COMMAND} -E touch ${output}/stamp VERBATIM)
  add_custom_target(isthmus_cann_headers DEPENDS ${output}/stamp)
  add_dependencies(${target} isthmus_cann_headers)
  target_sources(${target} PRIVATE ${sources})
  target_include_directories(${target} PUBLIC ${include})
endfunction()
