# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=… -DSOURCE=… -DSCRATCH=… -DMODEL=… -DGENERATOR=… -DOPTIONS=… -P installed.cmake: installs the build
# into SCRATCH/prefix, builds programs on that with find_package, moves the tree and runs them: nothing may point back.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  message("${output}")
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix)
foreach(project tests/api/installed examples)
  cmake_path(GET project FILENAME name)
  run(${CMAKE_COMMAND} -S ${SOURCE}/${project} -B ${SCRATCH}/${name} -G ${GENERATOR} ${OPTIONS}
    -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix -DCMAKE_BUILD_TYPE=Debug)
  run(${CMAKE_COMMAND} --build ${SCRATCH}/${name})
endforeach()

file(RENAME ${SCRATCH}/prefix ${SCRATCH}/moved)
set(ENV{LD_LIBRARY_PATH} ${SCRATCH}/moved/lib)
set(ENV{ISTHMUS_PACKED_CACHE} off)
run(${SCRATCH}/installed/devices_c)
run(${SCRATCH}/installed/models_c ${MODEL})
run(${SCRATCH}/installed/graphs_cpp ${MODEL})
run(${SCRATCH}/examples/two_operators)
run(${SCRATCH}/examples/outside_operator)
run(${SCRATCH}/examples/stream_text ${MODEL} "Why is the sky blue?")
unset(ENV{LD_LIBRARY_PATH})
run(${SCRATCH}/moved/bin/isthmus run ${MODEL} "Why is the sky blue?" --max-tokens 5)
file(REMOVE_RECURSE ${SCRATCH})
