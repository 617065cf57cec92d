# Sourced by build.sh: the container image, from static executables.

declare -A image_architectures=([linux-x64]=amd64 [linux-arm64]=arm64)

# image [--context] [RID...]: dist/singateway-VERSION.oci.tar, an OCI archive with an index of an image for each RID. With --context: only out/image, for docker.
image() {
  local context_only='' rid
  [[ ${1:-} == --context ]] && { context_only=yes; shift; }
  (( $# )) || set -- "${release_rids[@]}"
  for rid in "$@"; do
    [[ -n ${image_architectures[$rid]:-} ]] || die "image: $rid is not one of ${release_rids[*]}"
  done
  require_dotnet
  # shellcheck disable=SC2046
  require $([[ -n $context_only ]] || echo buildah) certificates $(for rid in "$@"; do release_needs "$rid"; done | sort -u)
  [[ -n $context_only ]] || buildah_works || die "image: $buildah_does_not_work"
  for rid in "$@"; do publish_static SinGateway singateway "$rid"; done
  image_context "$@"
  [[ -n $context_only ]] && { say 'out/image is ready: docker buildx build -t singateway -f deploy/Dockerfile out/image'; return; }

  mkdir -p dist
  oci_archive "dist/singateway-$(version).oci.tar" "$@"
  checksums
}

# image_context RID...: out/image, what deploy/Dockerfile copies. In a subshell, for its umask: the user of the image must be able to read it.
image_context() (
  umask 022
  local rid context=out/image
  rm -rf "$context"
  mkdir -p "$context"/{etc/ssl/certs,licenses,state}
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$context/etc/ssl/certs/ca-certificates.crt"
  printf 'singateway:x:65532:65532::/var/lib/singateway:/\n' >"$context/etc/passwd"
  printf 'singateway:x:65532:\n' >"$context/etc/group"
  for rid in "$@"; do
    install -D -m 755 "out/static/$rid/singateway" "$context/${image_architectures[$rid]}/singateway"
    licenses "$rid" "$context/licenses"
  done
  install -m 644 LICENSE THIRD-PARTY.md "$context/licenses"
)

buildah_does_not_work='buildah may not make containers here (inside of a container it needs --privileged)'
buildah_works() {
  local storage code=0
  storage=$(mktemp -d)
  buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs from scratch >/dev/null 2>&1 || code=$?
  rm -rf "$storage"
  return "$code"
}

# oci_archive FILE RID...: builds deploy/Dockerfile over out/image, in a storage of its own. Every file bears the commit's time.
oci_archive() {
  local file=$1 rid storage
  shift
  storage=$(mktemp -d)
  local buildah=(buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs)
  "${buildah[@]}" manifest create singateway >/dev/null
  for rid in "$@"; do
    "${buildah[@]}" bud --quiet --isolation chroot --arch "${image_architectures[$rid]}" --build-arg TARGETARCH="${image_architectures[$rid]}" \
      --build-arg VERSION="$(version)" --timestamp "$(source_date)" --manifest singateway -f deploy/Dockerfile out/image >/dev/null ||
      { rm -rf "$storage"; die 'buildah could not build the image'; }
  done
  "${buildah[@]}" manifest push --quiet --all singateway "oci:$storage/layout" >/dev/null || { rm -rf "$storage"; die "buildah could not write $file"; }
  tar --directory "$storage/layout" --sort=name --mtime="@$(source_date)" --owner=0 --group=0 --numeric-owner --format=gnu -cf "$file" .
  rm -rf "$storage"
  say "$file: $(stat -c %s "$file" | numfmt --to=iec-i --suffix=B) for $*"
}
