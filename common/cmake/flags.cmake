# Compiler flags for every target of the project, in one interface library.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

# A build without presets and without a word about the type is still an optimised one.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Type of build" FORCE)
endif()

# Assertions stay on in every build: they are for programmer errors only and cost nothing.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(dw_flags INTERFACE)
target_include_directories(dw_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(dw_flags INTERFACE _GNU_SOURCE DW_VERSION="${PROJECT_VERSION}")
target_compile_options(dw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wcast-qual -Wpointer-arith -Wwrite-strings
  -Wundef -Wformat=2 -Wswitch-enum -Wnull-dereference -Wimplicit-fallthrough
  -fno-common -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(dw_flags INTERFACE -Wduplicated-cond -Wduplicated-branches -Wlogical-op
                                            -Wformat-signedness -Wjump-misses-init)
else()
  target_compile_options(dw_flags INTERFACE -Wmissing-variable-declarations -Wcomma
                                            -Wunreachable-code)
endif()
if(DW_WERROR)
  target_compile_options(dw_flags INTERFACE -Werror)
endif()
if(DW_FAULTS)
  target_compile_definitions(dw_flags INTERFACE DW_FAULTS=1)
endif()
if(DW_SANITIZE)
  target_compile_options(dw_flags INTERFACE -fsanitize=${DW_SANITIZE} -fno-omit-frame-pointer
                                            -fno-sanitize-recover=all)
  target_link_options(dw_flags INTERFACE -fsanitize=${DW_SANITIZE})
endif()
if(DW_FUZZ)
  target_compile_options(dw_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DW_COVERAGE)
  target_compile_options(dw_flags INTERFACE --coverage)
  target_link_options(dw_flags INTERFACE --coverage)
endif()
if(NOT DW_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(dw_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_link_options(dw_flags INTERFACE -Wl,-z,relro,-z,now)
