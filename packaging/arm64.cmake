# For .NET's shim around OpenSSL, which its compiler package builds with cmake: clang as a cross compiler for arm64.
# SINGATEWAY_OPENSSL holds an unpacked libssl-dev of that architecture; packaging/release.sh sets it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_AR aarch64-linux-gnu-ar)
set(CMAKE_RANLIB aarch64-linux-gnu-ranlib)
set(CMAKE_TRY_COMPILE_TARGET_TYPE EXECUTABLE)
set(CMAKE_EXE_LINKER_FLAGS_INIT -fuse-ld=lld)
set(OPENSSL_INCLUDE_DIR $ENV{SINGATEWAY_OPENSSL}/usr/include)
set(OPENSSL_SSL_LIBRARY $ENV{SINGATEWAY_OPENSSL}/usr/lib/aarch64-linux-gnu/libssl.a)
set(OPENSSL_CRYPTO_LIBRARY $ENV{SINGATEWAY_OPENSSL}/usr/lib/aarch64-linux-gnu/libcrypto.a)
# What differs between architectures, opensslconf.h, lies apart.
include_directories(SYSTEM $ENV{SINGATEWAY_OPENSSL}/usr/include/aarch64-linux-gnu)
