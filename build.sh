#!/usr/bin/env bash
# The one door to this repository: ./build.sh --help
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
ulimit -Sn "$(ulimit -Hn)" # the sandbox holds a descriptor for each shard

usage() {
  cat <<'HELP'
Usage: ./build.sh COMMAND [ARGUMENTS]

  run [ARGUMENTS]    Build, then run the gateway with ARGUMENTS and config.json, config.yaml or config.yml of this directory.
                     Without such a file: a demonstration. It starts a sandbox (a Discord gateway and a 신경 server on
                     loopback), two workers and the gateway between them, and needs no token. Ctrl-C stops all of it.
  build              Publish the native executables out/singateway and out/singateway-sandbox.
  test [ARGUMENTS]   Build, then run the unit and the integration tests. ARGUMENTS go to both test runners:
                       ./build.sh test --treenode-filter '/*/*/OutboxTests/*'
  soak [--minutes N] Build, then run the tests that draw faults at random for N minutes each (10 without it), with another seed each
                     time; prints the seed and what happened. SINGATEWAY_SEED=n draws the same faults again.
  bench [ARGUMENTS]  Build, then measure the native executables beside a minimal C program, and print a Markdown table.
                     ./build.sh bench --help tells the options.
  release [RID...]   Make dist/: static executables for linux-x64 and linux-arm64, tarballs, bills of materials, checksums.
                     On x86_64; needs clang, lld, cmake, OpenSSL's static libraries and, for arm64, a cross toolchain.
                     release --twice [RID...] makes it once more, from a clone elsewhere, and compares.
  image [RID...]     Make dist/singateway-VERSION.oci.tar, a container image of the static executables for both architectures.
                     Needs buildah beside what release needs; for docker: ./build.sh image --context, then deploy/Dockerfile.
  clean              Remove what all of this made: bin, obj, out, dist, TestResults.

Needs the .NET SDK (version: global.json), clang or gcc, the zlib headers and OpenSSL 3; for the tests also redis-server, and
python3-msgpack and erlang-base for those that compare encodings, python3-jsonschema for that of config.schema.json, promtool
(Debian's prometheus) for those that check metrics and alerts, chromium for those of the status page, and what release and image need, qemu-user-static and
dnsmasq-base for those that try releases (without, they are skipped). What is missing is named, with the
way to get it; as root on Debian it is installed (but for the .NET SDK).
HELP
}

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# ---- what must be installed ------------------------------------------------------------------------------------------------

require_dotnet() {
  [[ -x ${HOME:-}/.dotnet/dotnet ]] && PATH=$PATH:$HOME/.dotnet
  local channel get
  channel=$(sed -nE 's/.*"version": *"([0-9]+\.[0-9]+).*/\1/p' global.json)
  get="get it from https://dotnet.microsoft.com/download/dotnet/$channel, or: curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel $channel"
  command -v dotnet >/dev/null || die "the .NET SDK $channel is missing: $get"
  dotnet --version >/dev/null 2>&1 || die "the .NET SDK $channel is missing (here: $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' ')): $get"
}

# Prints the C compiler that links the executables: clang, as .NET does by default, else gcc.
c_compiler() { command -v clang || command -v gcc; }

has_zlib_headers() {
  [[ -e /usr/include/zlib.h ]] && return
  local compiler
  compiler=$(c_compiler) && "$compiler" -E -include zlib.h -x c /dev/null >/dev/null 2>&1
}
# (Not grep -q, which stops reading at the first match: ldconfig would then fail of a broken pipe, now and then.)
has_openssl() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep 'libssl\.so\.3' >/dev/null; }
has_cross_compiler() { command -v aarch64-linux-gnu-gcc >/dev/null && [[ -e /usr/aarch64-linux-gnu/lib/libc.a ]]; }

# find_missing THING...: sets missing, those that are not here, and packages, where Debian has them.
find_missing() {
  local thing
  missing=() packages=()
  for thing in "$@"; do
    case $thing in
      c-compiler)   c_compiler >/dev/null           || { missing+=('a C compiler (clang or gcc)'); packages+=(gcc libc6-dev); } ;;
      zlib)         has_zlib_headers                || { missing+=('the zlib headers');            packages+=(zlib1g-dev); } ;;
      openssl)      has_openssl                     || { missing+=('OpenSSL 3 (libssl.so.3)');     packages+=(libssl3); } ;;
      clang)        command -v clang >/dev/null        || { missing+=(clang);                        packages+=(clang); } ;;
      lld)          command -v ld.lld >/dev/null       || { missing+=('the linker lld');             packages+=(lld); } ;;
      cmake)        command -v cmake >/dev/null        || { missing+=(cmake);                        packages+=(cmake); } ;;
      make)         command -v make >/dev/null         || { missing+=(make);                         packages+=(make); } ;;
      openssl-static) [[ -e /usr/lib/x86_64-linux-gnu/libcrypto.a ]] || { missing+=("OpenSSL's static libraries"); packages+=(libssl-dev); } ;;
      cross-compiler) has_cross_compiler               || { missing+=('a toolchain for arm64');      packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross); } ;;
      buildah)      command -v buildah >/dev/null      || { missing+=(buildah);                      packages+=(buildah); } ;;
      certificates) [[ -e /etc/ssl/certs/ca-certificates.crt ]] || { missing+=('certificate authorities'); packages+=(ca-certificates); } ;;
      qemu)         command -v qemu-aarch64-static >/dev/null || { missing+=('an emulator of arm64'); packages+=(qemu-user-static); } ;;
      dnsmasq)      PATH=$PATH:/usr/sbin command -v dnsmasq >/dev/null || { missing+=(dnsmasq);      packages+=(dnsmasq-base); } ;;
      redis-server) command -v redis-server >/dev/null || { missing+=('redis-server');             packages+=(redis-server); } ;;
      msgpack)      /usr/bin/python3 -c 'import msgpack' 2>/dev/null || { missing+=("Python's msgpack");   packages+=(python3-msgpack); } ;;
      jsonschema)   /usr/bin/python3 -c 'import jsonschema' 2>/dev/null || { missing+=("Python's jsonschema"); packages+=(python3-jsonschema); } ;;
      promtool)     command -v promtool >/dev/null  || { missing+=("Prometheus' promtool");        packages+=(prometheus); } ;;
      chromium)     command -v chromium >/dev/null  || { missing+=('Chromium');                    packages+=(chromium); } ;;
      erlang)       command -v erl >/dev/null       || { missing+=('Erlang');                      packages+=(erlang-base); } ;;
    esac
  done
}

# has THING...: each is here.
has() {
  local missing packages
  find_missing "$@"
  (( ${#missing[@]} == 0 ))
}

# require THING...: makes sure that each THING is here; installs its Debian packages, or says which they are.
require() {
  local list missing packages
  find_missing "$@"
  (( ${#missing[@]} )) || return 0
  list=$(printf '%s, ' "${missing[@]}")
  list=${list%, }
  command -v apt-get >/dev/null || die "missing: $list. Debian calls the packages ${packages[*]}; install what your system calls them."
  (( EUID == 0 )) || die "missing: $list. Install with: sudo apt-get update && sudo apt-get install ${packages[*]}"
  say "Installing $list (${packages[*]})"
  apt-get update -qq || die "apt-get update failed; missing: $list"
  # A package manager that starts the redis-server service would hold its port: the tests start their own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2 ||
    die "apt-get could not install ${packages[*]}; missing: $list"
}

# ---- build -----------------------------------------------------------------------------------------------------------------

runtime_identifier() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64)  echo linux-x64 ;;
    Linux-aarch64) echo linux-arm64 ;;
    *) die "SinGateway runs on Linux on x86_64 and aarch64, not on $(uname -s) $(uname -m)" ;;
  esac
}

# up_to_date FILE: no source is newer than it. Directories count too, so that a deleted source is noticed.
up_to_date() {
  [[ -x $1 ]] || return 1
  local newer
  newer=$(find src Directory.*.props global.json \( -name bin -o -name obj \) -prune -o ! -name '*.md' -newer "$1" -print -quit)
  [[ -z $newer ]]
}

# publish PROJECT FILE RID OBJ PROPERTIES...: src/PROJECT, compiled natively for RID, as out/FILE, with all intermediate files in src/PROJECT/obj/OBJ.
publish() {
  local project=$1 file=$2 rid=$3 objects=src/$1/obj/$4 staging log
  shift 4
  up_to_date "out/$file" && return

  staging=${objects}publish
  log=$staging.log
  say "Building out/$file ($rid)"
  rm -rf "$staging"
  mkdir -p "$staging" "out/$(dirname "$file")"
  touch "$staging.started" # the executable is as old as this, so that a change during the build is not missed

  # A failure must not leave native code behind: the next publish would take it as it is, and print no warning.
  if ! dotnet publish "src/$project" -c Release -r "$rid" -o "$staging" --nologo "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "${objects}Release/"*/"$rid/native"
    die "publishing src/$project failed"
  fi
  if grep -E '\bIL[0-9]{4}\b' "$log" >&2; then
    rm -rf "${objects}Release/"*/"$rid/native"
    die "src/$project is not clean under trimming and native compilation (warnings above)"
  fi

  touch -r "$staging.started" "$staging/$(basename "$file")"
  mv -f "$staging/$(basename "$file")" "out/$file"
  say "out/$file: $(stat -c %s "out/$file" | numfmt --to=iec-i --suffix=B)"
}

build() {
  require_dotnet
  require c-compiler zlib openssl
  mkdir -p src/SinGateway{,.Sandbox}/{bin,obj} # now: made later, they would look like a change to up_to_date
  local rid linker=()
  rid=$(runtime_identifier)
  command -v clang >/dev/null || linker=(-p:CppCompilerAndLinker=gcc)
  publish SinGateway singateway "$rid" '' "${linker[@]}"
  publish SinGateway.Sandbox singateway-sandbox "$rid" '' "${linker[@]}"
}

. deploy/packaging/release.sh
. deploy/packaging/image.sh

# ---- run -------------------------------------------------------------------------------------------------------------------

# wants_demonstration ARGUMENTS: nobody said which configuration to use.
wants_demonstration() {
  local file argument
  for file in config.json config.yaml config.yml; do [[ -e $file ]] && return 1; done
  for argument in "$@"; do [[ $argument == --config || $argument == --config=* ]] && return 1; done
  return 0
}

run() {
  build
  if wants_demonstration "$@"; then demonstrate "$@"; else exec out/singateway "$@"; fi
}

demonstration_directory=''
demonstration_processes=() # in the order in which they are stopped
gateway_process=''

stop_demonstration() {
  local process
  for process in $gateway_process "${demonstration_processes[@]}"; do
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$demonstration_directory"
}

# in_background COMMAND...: its own session keeps Ctrl-C from it, since the gateway must be able to finish its work with it.
in_background() {
  setsid "$@" </dev/null &
  demonstration_processes=("$!" "${demonstration_processes[@]}")
}

# endpoint NAME: the value of one key in the line of JSON with which the sandbox says that it is ready.
endpoint() { sed -nE "s/.*\"$1\": *\"([^\"]*)\".*/\1/p" "$demonstration_directory/sandbox.json"; }

demonstrate() {
  trap stop_demonstration EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  demonstration_directory=$(mktemp -d)

  in_background out/singateway-sandbox serve --shards 4 --rate 20 --guilds 5 >"$demonstration_directory/sandbox.json"
  local attempt
  for (( attempt = 0; attempt < 100; attempt++ )); do
    [[ -n $(endpoint api) ]] && break
    kill -0 "${demonstration_processes[0]}" 2>/dev/null || die "the sandbox stopped at its start"
    sleep 0.1
  done
  [[ -n $(endpoint api) ]] || die "the sandbox was not ready within 10 s"

  local worker events=(READY GUILD_CREATE MESSAGE_CREATE MESSAGE_UPDATE)
  for worker in worker-1 worker-2; do
    in_background out/singateway-sandbox worker --name "$worker" --dsn "singyeong://worker@$(endpoint singyeong)" \
      --events "$(IFS=,; printf '%s' "${events[*]}")"
  done

  cat >"$demonstration_directory/config.yaml" <<YAML
token: "a-token-for-the-sandbox"
singyeongDSN: "singyeong://gateway@$(endpoint singyeong)"
intents: 513
stateFile: "$demonstration_directory/singateway.state"
discord:
  apiBaseURL: "$(endpoint api)"
operations:
  listen: "127.0.0.1:0"
forwarding:
  type: "send"
  target:
    application: "worker"
    ops:
      - path: "/events"
        op: "\$contains"
        to:
          value: "{{EVENT}}"
  events:
$(printf '    - "%s"\n' "${events[@]}")
YAML

  say 'A demonstration against a sandbox. For your bot: cp config.example.yaml config.yaml, set token and singyeongDSN in it, ./build.sh run'
  # Not in the foreground: bash would handle a signal only after the gateway's end. The trap passes it on.
  out/singateway "$@" --config "$demonstration_directory/config.yaml" &
  gateway_process=$!
  wait "$gateway_process"
}

# ---- test ------------------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0

# run_tests PROJECT ARGUMENTS...: runs tests/PROJECT and adds its results to passed, failed and skipped.
run_tests() {
  local project=$1 report code=0 counters='' name
  shift
  report=TestResults/$project.trx
  rm -f "$report"
  say "Testing: $project"
  SINGATEWAY_BIN=$root/out dotnet run -c Release --project "tests/$project" -- \
    --results-directory "$root/TestResults" --report-trx --report-trx-filename "$project.trx" "$@" </dev/null || code=$?

  [[ -e $report ]] && counters=$(grep -m1 -o '<Counters [^>]*>' "$report" || true)
  count_of() { sed -nE "s/.* $1=\"([0-9]+)\".*/\1/p" <<<"$counters"; }
  local failed_here=0
  for name in failed error timeout aborted; do failed_here=$(( failed_here + $(count_of $name) + 0 )); done
  # 2 is "tests failed", 8 is "no test matched". Anything else, or no report, is a runner that did not get to its end.
  if (( failed_here == 0 )) && { [[ -z $counters ]] || (( code != 0 && code != 8 )); }; then
    say "tests/$project ended with exit code $code before its tests did"
    failed_here=1
  fi
  passed=$(( passed + $(count_of passed) + 0 ))
  skipped=$(( skipped + $(count_of notExecuted) + 0 ))
  failed=$(( failed + failed_here ))
}

# prepare_release: out/static, what the tests of releases run. For what cannot be built here they are skipped, and say so.
prepare_release() {
  local rid
  for rid in "${release_rids[@]}"; do
    # shellcheck disable=SC2046
    [[ $(runtime_identifier) == linux-x64 ]] && has $(release_needs "$rid") || continue
    if [[ $rid == linux-arm64 ]]; then (arm64_openssl) || continue; fi
    publish_static SinGateway singateway "$rid"
  done
  rm -f out/static/singateway.oci.tar
  if has buildah certificates && [[ -x out/static/linux-x64/singateway ]]; then
    if buildah_works; then
      image_context linux-x64
      oci_archive out/static/singateway.oci.tar linux-x64
    else
      say "$buildah_does_not_work: the tests of the image are skipped"
    fi
  fi
  export SINGATEWAY_RELEASE=$root/out/static
}

tests() {
  build
  require redis-server
  # Those who ask for other tests alone need not wait for a release.
  local with_release=yes
  if (( $# )) && [[ $* != *Release* ]]; then with_release=''; fi
  # Decoders and a validator that tests compare ours with, Prometheus' checker, a browser, and what releases are built and tried with. Where they cannot
  # be installed, those tests say so and are skipped.
  if (( EUID == 0 )) && command -v apt-get >/dev/null; then
    require msgpack erlang jsonschema promtool chromium
    # shellcheck disable=SC2046
    [[ -z $with_release ]] || require $(for rid in "${release_rids[@]}"; do release_needs "$rid"; done | sort -u) qemu dnsmasq buildah certificates
  fi
  [[ -z $with_release ]] || prepare_release
  run_tests SinGateway.Tests "$@"
  run_tests SinGateway.IntegrationTests "$@"
  report_tests
}

# report_tests: prints the line that sums up; succeeds when something ran and nothing failed.
report_tests() {
  (( passed + failed )) || say 'No test ran.'
  local summary="$passed passed, $failed failed"
  (( skipped == 0 )) || summary+=", $skipped skipped"
  printf '%s\n' "$summary"
  (( failed == 0 && passed > 0 ))
}

# ---- soak ------------------------------------------------------------------------------------------------------------------

# soak [--minutes N]: the tests of the category Soak (tests/SinGateway.IntegrationTests/Fixtures/Soak.cs), long.
soak() {
  local minutes=10
  if (( $# )); then
    [[ $# -eq 2 && $1 == --minutes && $2 =~ ^[1-9][0-9]*$ ]] || die "soak: write --minutes N, with N from 1 on (got: $*)"
    minutes=$2
  fi
  build
  SINGATEWAY_SOAK_SECONDS=$(( minutes * 60 )) run_tests SinGateway.IntegrationTests --treenode-filter '/*/*/*/*[Category=Soak]'
  report_tests
}

# ---- bench, clean ----------------------------------------------------------------------------------------------------------

bench() {
  build
  CC=$(c_compiler) SINGATEWAY_BIN=$root/out exec dotnet run -c Release --project tests/SinGateway.Benchmarks -- "$@"
}

clean() { rm -rf out dist TestResults src/*/bin src/*/obj tests/*/bin tests/*/obj; }

command=${1:-}
(( $# )) && shift
case $command in
  run)   run "$@" ;;
  build) build ;;
  test)  tests "$@" ;;
  soak)  soak "$@" ;;
  bench) bench "$@" ;;
  release) release "$@" ;;
  image) image "$@" ;;
  clean) clean ;;
  help | -h | --help) usage ;;
  '') usage >&2; exit 2 ;;
  *) say "build.sh: unknown command '$command'"; usage >&2; exit 2 ;;
esac
