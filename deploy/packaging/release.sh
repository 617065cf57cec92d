# Sourced by build.sh: static executables, and what is shipped of them.

# The one version number.
version() { sed -nE 's:.*<Version>(.*)</Version>.*:\1:p' Directory.Build.props; }

# release_needs RID: what building a static executable for RID needs, as names for `require`.
release_needs() {
  echo clang lld cmake make openssl-static
  [[ $1 == linux-arm64 ]] && echo cross-compiler
  return 0
}

# static_libraries RID: prepares out/static/RID/lib, OpenSSL's static libraries for RID, and removes what was built for RID with other libraries of the system.
# Without their unwind tables, which only an exception thrown through OpenSSL would read: 0.5 MB of each executable.
static_libraries() {
  local rid=$1 from=/usr/lib/x86_64-linux-gnu objcopy=objcopy to=out/static/$1/lib name
  if [[ $rid == linux-arm64 ]]; then
    arm64_openssl
    from=out/static/openssl-arm64/usr/lib/aarch64-linux-gnu
    objcopy=aarch64-linux-gnu-objcopy
  fi
  # By versions: a package's files bear the time at which it was made, so an update may be older than what it replaces.
  system_libraries "$rid" | cmp -s - "out/static/$rid/libraries" && return
  rm -rf "out/static/$rid" src/SinGateway{,.Sandbox}/{bin,obj}/static/"$rid"
  mkdir -p "$to"
  for name in libssl.a libcrypto.a; do
    "$objcopy" --remove-section=.eh_frame --remove-section=.rela.eh_frame "$from/$name" "$to/$name"
  done
  system_libraries "$rid" >"out/static/$rid/libraries"
}

# system_libraries RID: what an executable for RID holds of this system, as lines "NAME VERSION LICENCE".
system_libraries() {
  local openssl glibc gcc
  if [[ $1 == linux-arm64 ]]; then
    openssl=$(<out/static/openssl-arm64/version)
    glibc=$(debian_version libc6-dev-arm64-cross)
    gcc=$(debian_version 'libgcc-*-dev-arm64-cross')
  else
    openssl=$(debian_version libssl-dev)
    glibc=$(debian_version libc6-dev)
    gcc=$(debian_version 'libgcc-*-dev')
  fi
  printf '%s\n' "openssl $openssl Apache-2.0" "glibc $glibc LGPL-2.1-or-later" "gcc $gcc GPL-3.0-or-later WITH GCC-exception-3.1"
}

# debian_version PACKAGE: the latest, if a pattern finds several.
debian_version() { dpkg-query -W -f '${Version}\n' "$1" 2>/dev/null | sort -V | tail -n1 | grep . || echo unknown; }

# arm64_openssl: out/static/openssl-arm64 is an unpacked libssl-dev for arm64, not older than this system's own. It is not installed, and the
# system's package lists are left as they are.
arm64_openssl() {
  [[ -e out/static/openssl-arm64/version ]] && dpkg --compare-versions "$(<out/static/openssl-arm64/version)" ge "$(debian_version libssl-dev)" && return
  command -v apt-get >/dev/null || die 'OpenSSL for arm64 comes from Debian, and there is no apt-get here. Without arm64: ./build.sh release linux-x64'
  local lists=$root/out/static/apt-arm64 options
  mkdir -p "$lists"/{lists,cache/archives}/partial
  options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root -o Dir::State::status=/dev/null
    -o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache")
  say 'Getting libssl-dev for arm64'
  (cd "$lists" && rm -f ./*.deb && apt-get "${options[@]}" update && apt-get "${options[@]}" download libssl-dev) >&2 ||
    die 'apt-get could not get libssl-dev for arm64. Without arm64: ./build.sh release linux-x64'
  rm -rf out/static/openssl-arm64.new
  dpkg -x "$lists"/libssl-dev_*.deb out/static/openssl-arm64.new
  dpkg-deb -f "$lists"/libssl-dev_*.deb Version >out/static/openssl-arm64.new/version
  rm -rf "$lists" out/static/openssl-arm64
  mv out/static/openssl-arm64.new out/static/openssl-arm64
}

# publish_static PROJECT EXECUTABLE RID: src/PROJECT, compiled for RID with everything inside, as out/static/RID/EXECUTABLE.
publish_static() {
  local project=$1 executable=$2 rid=$3 objcopy=objcopy
  static_libraries "$rid"
  up_to_date "out/static/$rid/$executable" && return
  (
    # The compiler package builds .NET's shim with whatever these say: as .NET's own releases are built, and with no path of this machine inside.
    export CFLAGS="-O2 -DNDEBUG -ffunction-sections -fdata-sections -ffile-prefix-map=$HOME=/home -ffile-prefix-map=$root=/singateway"
    if [[ $rid == linux-arm64 ]]; then
      export SINGATEWAY_OPENSSL=$root/out/static/openssl-arm64 CMAKE_TOOLCHAIN_FILE=$root/deploy/packaging/arm64.cmake
      objcopy=aarch64-linux-gnu-objcopy
    fi
    publish "$project" "static/$rid/$executable" "$rid" "static/$rid/" -p:BaseIntermediateOutputPath="obj/static/$rid/" \
      -p:BaseOutputPath="bin/static/$rid/" -p:StaticExecutable=true -p:StaticLibraries="$root/out/static/$rid/lib" \
      -p:ObjCopyName="$objcopy" -p:PathMap="$root=/singateway"
  )
}

# ---- what is shipped ---------------------------------------------------------------------------------------------------------

release_rids=(linux-x64 linux-arm64)

# release [--twice] [RID...]: dist/ with an executable, a tarball and a bill of materials for each RID, and SHA256SUMS. With --twice: then all of it again,
# from a clone in another folder, to see that it is the same.
release() {
  local rid twice=''
  [[ ${1:-} == --twice ]] && { twice=yes; shift; }
  (( $# )) || set -- "${release_rids[@]}"
  [[ $(runtime_identifier) == linux-x64 ]] || die 'release: needs an x86_64 machine; it builds for arm64 there too'
  for rid in "$@"; do
    [[ " ${release_rids[*]} " == *" $rid "* ]] || die "release: $rid is not one of ${release_rids[*]}"
  done
  [[ -z $twice || -z $(git status --porcelain) ]] || die 'release --twice: builds the last commit again; commit or stash the changes'
  require_dotnet
  # shellcheck disable=SC2046
  require $(for rid in "$@"; do release_needs "$rid"; done | sort -u)
  mkdir -p src/SinGateway{,.Sandbox}/{bin,obj}

  rm -rf dist
  for rid in "$@"; do
    publish_static SinGateway singateway "$rid"
    publish_static SinGateway.Sandbox singateway-sandbox "$rid"
    pack "$rid"
  done
  checksums
  say "dist/ has $(ls dist | wc -l) files: $(ls dist | paste -sd' ')"
  [[ -z $twice ]] || release_again "$@"
}

# release_again RID...: fails when a clone's dist/ differs from this one.
release_again() {
  local elsewhere
  elsewhere=$(mktemp -d)
  say "Once more, in $elsewhere/clone"
  git clone --quiet . "$elsewhere/clone"
  "$elsewhere/clone/build.sh" release "$@"
  diff dist/SHA256SUMS "$elsewhere/clone/dist/SHA256SUMS" >&2 || die "release --twice: what differs is in $elsewhere/clone/dist"
  rm -rf "$elsewhere"
  say 'Both are the same, byte for byte'
}

checksums() { (cd dist && rm -f SHA256SUMS && sha256sum -- * >SHA256SUMS); }

# pack RID: dist/ has all of RID, from the executables in out/static/RID. In a subshell, for its umask: whoever builds, the files are the same.
pack() (
  umask 022
  local rid=$1 name
  name=singateway-$(version)-$rid
  mkdir -p dist
  install -m 755 "out/static/$rid/singateway" "dist/$name"
  bill_of_materials "$rid" >"dist/$name.cdx.json"
  tarball "$rid" "$name"
)

# The time that everything shipped bears: that of the commit, so that two builds of it are the same.
source_date() { printf '%s' "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y build.sh)}"; }

# tarball RID NAME: dist/NAME.tar.gz, which holds one directory NAME.
tarball() {
  local rid=$1 name=$2 staging=out/static/$1/tarball
  rm -rf "$staging"
  mkdir -p "$staging/$name/licenses"
  install -m 755 "out/static/$rid/singateway" "out/static/$rid/singateway-sandbox" "$staging/$name"
  install -m 644 config.example.yaml README.md CHANGELOG.md LICENSE THIRD-PARTY.md deploy/singateway.service "dist/$name.cdx.json" "$staging/$name"
  licenses "$rid" "$staging/$name/licenses"
  tar --directory "$staging" --sort=name --mtime="@$(source_date)" --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" |
    gzip -n9 >"dist/$name.tar.gz"
}

# licenses RID DIRECTORY: the texts that whoever passes the executable on must pass on with it.
licenses() {
  install -m 644 deploy/packaging/licenses/* "$2"
  install -m 644 "$(package_directory "$1" Microsoft.NETCore.App.Runtime.NativeAOT."$1")/THIRD-PARTY-NOTICES.TXT" "$2/dotnet-third-party-notices.txt"
}

assets() { printf 'src/SinGateway/obj/static/%s/project.assets.json' "$1"; }

# package_directory RID PACKAGE: where NuGet has unpacked the PACKAGE that the gateway for RID was built with.
package_directory() {
  local packages version
  packages=$(sed -nE 's/.*"packagesPath": "(.*)",$/\1/p' "$(assets "$1")")
  version=$(packages "$1" | sed -nE "s#^$2 ##p")
  printf '%s/%s/%s' "${packages%/}" "${2,,}" "$version"
}

# packages RID: every NuGet package with code inside the executable, as lines "NAME VERSION".
packages() {
  sed -nE '/^  "libraries": \{/,/^  \}/s#^    "([^/"]+)/([^"]+)": \{$#\1 \2#p' "$(assets "$1")" |
    grep -vE '^(Microsoft\.DotNet\.ILCompiler|runtime\..*\.ILCompiler|Microsoft\.NET\.ILLink\.Tasks) ' # compilers
  sed -nE "/\"name\": \"Microsoft.NETCore.App.Runtime.NativeAOT.$1\"/,/\\}/s/.*\"version\": \"\\[([^,]+),.*/Microsoft.NETCore.App.Runtime.NativeAOT.$1 \\1/p" "$(assets "$1")"
}

# bill_of_materials RID: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/. No time and no serial number: the same commit gives the same bytes.
bill_of_materials() {
  local rid=$1 name version license comma=''
  cat <<JSON
{
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "version": 1,
  "metadata": {
    "component": {
      "type": "application", "bom-ref": "singateway", "name": "singateway", "version": "$(version)", "licenses": [{ "license": { "id": "MIT" } }],
      "hashes": [{ "alg": "SHA-256", "content": "$(sha256sum <"out/static/$rid/singateway" | cut -d' ' -f1)" }],
      "properties": [{ "name": "rid", "value": "$rid" }]
    }
  },
  "components": [
JSON
  while read -r name version; do
    license=$(sed -nE 's:.*<license type="expression">(.*)</license>.*:\1:p' "$(package_directory "$rid" "$name")"/*.nuspec)
    [[ -n $license ]] || die "bill of materials: the package $name does not say its licence"
    printf '%s    { "type": "library", "bom-ref": "%s", "name": "%s", "version": "%s", "purl": "pkg:nuget/%s@%s", "licenses": [{ "expression": "%s" }] }' \
      "$comma" "$name" "$name" "$version" "$name" "$version" "$license"
    comma=$',\n'
  done < <(packages "$rid")
  while read -r name version license; do
    printf ',\n    { "type": "library", "bom-ref": "%s", "name": "%s", "version": "%s", "purl": "pkg:deb/debian/%s@%s", "licenses": [{ "expression": "%s" }] }' \
      "$name" "$name" "$version" "$name" "${version//+/%2B}" "$license"
  done < <(system_libraries "$rid")
  printf '\n  ]\n}\n'
}
