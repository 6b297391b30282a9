# parley_library(NAME name SOURCES a.cpp ... DEPS targets ...) and its siblings: one target per folder, the same
# warnings and sanitizers for all. Sources are listed, never globbed: tests/lint finds a file outside a target.
add_library(parley_options INTERFACE)
target_include_directories(parley_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(parley_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
                       # What scripts/run builds on somebody's machine must not fail by its compiler's opinion.
                       $<$<NOT:$<CONFIG:Release>>:-Werror>
                       # False alarms of GCC 12 in std::string at -O3 (GCC bug 105651).
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(parley_options INTERFACE SPDLOG_FMT_EXTERNAL
                           $<$<NOT:$<CONFIG:Release>>:PARLEY_CHECKS=1>)
if(PARLEY_SANITIZE)
  target_compile_options(parley_options INTERFACE -fsanitize=${PARLEY_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(parley_options INTERFACE -fsanitize=${PARLEY_SANITIZE})
endif()
if(PARLEY_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Instrumented code hides from GCC 12 what is initialised (std::regex, std::function): a warning, not an error.
  target_compile_options(parley_options INTERFACE -Wno-error=maybe-uninitialized)
endif()
if(PARLEY_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences, which TSan cannot see: thousands of lines of it.
  target_compile_options(parley_options INTERFACE -Wno-tsan)
endif()
if(PARLEY_FUZZ)
  target_compile_options(parley_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(PARLEY_MOLD mold)
if(PARLEY_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(parley_options INTERFACE -fuse-ld=mold)
endif()

function(parley_library)
  cmake_parse_arguments(A "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(A_SOURCES)
    add_library(${A_NAME} STATIC ${A_SOURCES})
    target_link_libraries(${A_NAME} PUBLIC parley_options ${A_DEPS} PRIVATE ${A_PRIVATE_DEPS})
  else()
    add_library(${A_NAME} INTERFACE)
    target_link_libraries(${A_NAME} INTERFACE parley_options ${A_DEPS} ${A_PRIVATE_DEPS})
  endif()
endfunction()

function(parley_executable)
  cmake_parse_arguments(A "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(${A_NAME} ${A_SOURCES})
  target_link_libraries(${A_NAME} PRIVATE parley_options ${A_DEPS})
endfunction()

# parley_test(NAME rtp_test SOURCES ... DEPS ... [SERIAL] [TIMEOUT s] [LABELS ...]): one GoogleTest program.
# SERIAL: needs the machine for itself (real time); ctest runs it alone. TIMEOUT: of the plain build; instrumented
# code is given five times as long.
function(parley_test)
  cmake_parse_arguments(A "SERIAL" "NAME;TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 60)
  endif()
  if(PARLEY_SANITIZE)
    math(EXPR A_TIMEOUT "${A_TIMEOUT} * 5")
  endif()
  add_executable(${A_NAME} ${A_SOURCES})
  target_link_libraries(${A_NAME} PRIVATE parley_options ${A_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  # The tests' own code is not what is measured, and compiles a quarter faster so.
  target_compile_options(${A_NAME} PRIVATE -O1)
  set(props TIMEOUT ${A_TIMEOUT})
  if(A_SERIAL)
    list(APPEND props RUN_SERIAL TRUE)
  endif()
  if(A_LABELS)
    list(APPEND props LABELS "${A_LABELS}")
  endif()
  gtest_discover_tests(${A_NAME} DISCOVERY_MODE PRE_TEST PROPERTIES ${props})
endfunction()

# parley_fuzz(NAME fuzz_stun SOURCES ... DEPS ... CORPUS dir): libFuzzer under the fuzz preset; otherwise a program
# that runs the corpus once, so that every build and test run compiles and exercises the targets.
function(parley_fuzz)
  cmake_parse_arguments(A "" "NAME;CORPUS" "SOURCES;DEPS" ${ARGN})
  if(PARLEY_FUZZ)
    add_executable(${A_NAME} ${A_SOURCES})
    target_link_options(${A_NAME} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${A_NAME} ${A_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_main.cpp)
  endif()
  target_link_libraries(${A_NAME} PRIVATE parley_options ${A_DEPS})
  if(NOT PARLEY_FUZZ)
    add_test(NAME ${A_NAME}.corpus COMMAND ${A_NAME} ${CMAKE_CURRENT_SOURCE_DIR}/${A_CORPUS})
    set_tests_properties(${A_NAME}.corpus PROPERTIES TIMEOUT 60)
  endif()
endfunction()
