# dw_library(NAME USES lib…)     one static library of all *.c of a folder (main.c excepted)
# dw_program(NAME USES lib…)     an executable of main.c
# dw_unit_tests(FOLDER USES lib…)  one cmocka program per tests/unit/FOLDER/test_*.c
# dw_embed(TARGET FILE… )        files compiled in as dw_embed_<name> (struct dw_str)
function(dw_library name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE dw_flags)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# Under the thread sanitizer every executable brings its own C11 threads, see the file.
if(DW_SANITIZE MATCHES "thread")
  add_library(dw_tsan_threads OBJECT ${CMAKE_SOURCE_DIR}/tests/support/tsan_threads.c)
  target_link_libraries(dw_tsan_threads PRIVATE dw_flags)
  set(DW_EXECUTABLE_OBJECTS $<TARGET_OBJECTS:dw_tsan_threads>)
endif()

function(dw_program name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.c ${DW_EXECUTABLE_OBJECTS})
  target_link_libraries(${name} PRIVATE ${ARG_USES} dw_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

function(dw_unit_tests folder)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_*.c)
  string(REPLACE "/" "_" prefix ${folder})
  foreach(test ${tests})
    get_filename_component(stem ${test} NAME_WE)
    set(target ${stem}_${prefix})
    add_executable(${target} ${test} ${DW_EXECUTABLE_OBJECTS})
    target_link_libraries(${target} PRIVATE ${ARG_USES} PkgConfig::CMOCKA dw_flags)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME unit/${folder}/${stem} COMMAND ${target}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(unit/${folder}/${stem} PROPERTIES LABELS unit TIMEOUT 180
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")
  endforeach()
endfunction()

# Embeds files as NUL-terminated byte arrays: <stem with non-letters as _>, in generated/embed/<target>.h
function(dw_embed target)
  set(header ${CMAKE_BINARY_DIR}/generated/embed/${target}.h)
  set(files ${ARGN})
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} "-DOUT=${header}" "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/common/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/common/cmake/embed.cmake VERBATIM)
  add_custom_target(${target}_embed DEPENDS ${header})
  add_dependencies(${target} ${target}_embed)
endfunction()
