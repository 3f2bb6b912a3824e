#!/usr/bin/env bash
# make_emulation.sh [--like PYTHON] [--vm] [DIR [REQUIREMENT...]]
#
# Makes, in DIR, an aarch64 Python as on a Raspberry Pi (Raspberry Pi OS bookworm: Python 3.11,
# glibc 2.36) with the real aarch64 wheels, to be run on an x86-64 Linux through qemu:
#
#     DIR/run_on pi4 python3.11 -m pytest ...
#
# Installs nothing on this machine and needs no root. README.md beside this file says what such
# an emulation shows and what it cannot.
#
#   DIR          default: ${TMPDIR:-/tmp}/arm-emulation
#   REQUIREMENT  pip requirements to have inside; default: DEFAULT_REQUIREMENTS below
#   --like PY    take the version of each default package from the environment of this Python,
#                so that x86 and ARM compare like with like; its pip does the downloading
#   --vm         also make a virtual machine of it, with a kernel of its own and a camera:
#                DIR/run_in_vm pi4 python3.11 -m pytest ...
#
# Environment: DEBIAN_ARCHIVE, a Debian archive's address, where this machine's apt knows none.
set -euo pipefail

readonly DEFAULT_REQUIREMENTS=(
  'numpy' 'onnxruntime' 'ai-edge-litert' 'opencv-python-headless<5' 'click' 'msgspec'
  'starlette' 'uvicorn'
  'pytest' 'pytest-timeout' 'hypothesis' 'onnx' # what the runtime's own tests need
)
# Debian 12's own qemu 7.2 crashes in `import onnxruntime`. Debian 13's works, and as it is linked
# statically it runs on Debian 12 too.
readonly QEMU_SUITE=trixie
readonly BOARD_SUITE=bookworm
readonly BOARD_PACKAGES=(python3.11-minimal libpython3.11-stdlib libc-bin libstdc++6 libgomp1)
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'emulation: %s\n' "$*"; }

die() {
  printf 'emulation: %s\n' "$*" >&2
  exit 1
}

show_usage() { sed -n '/^# make_emulation/,/^set -/{/^#/s/^# \{0,1\}//p}' "$0"; }

# --- what this machine offers -----------------------------------------------------------------

check_tools() {
  local tool missing=()
  for tool in apt-get awk dpkg dpkg-deb flock sha256sum tar unshare; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} -eq 0 ] || die "not found: ${missing[*]}; use a Debian machine or container"
  [ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m): run the tests on it as they are"
  [ -r "$KEYRING" ] || die "no $KEYRING to check packages with: install debian-archive-keyring"
  "$python" -m pip --version >/dev/null || die "$python has no pip: name one that has with --like"
}

# The first thing `run_on` does, tried before anything is downloaded.
check_namespaces() {
  unshare -Urm sh -c 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc' ||
    die "kernel $(uname -r) gives no private binfmt_misc: that needs Linux 6.7 or later with" \
      "user namespaces allowed (sysctl kernel.unprivileged_userns_clone, container options)"
}

# The archive that this machine's apt is configured with. Only once apt's lists are there does it
# know which of its sources is Debian's own.
find_archive() {
  local found
  if [ -n "${DEBIAN_ARCHIVE:-}" ]; then
    printf '%s\n' "$DEBIAN_ARCHIVE"
    return
  fi
  # shellcheck disable=SC2016  # apt expands these
  found=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' | awk '$1 == "Debian" { print $2; exit }')
  if [ -z "$found" ]; then
    # shellcheck disable=SC2016
    found=$(apt-get indextargets --format '$(REPO_URI)' | awk '/\/debian\/?$/ { print; exit }')
  fi
  [ -n "$found" ] || die "apt knows no Debian archive here: run 'apt-get update', or set DEBIAN_ARCHIVE"
  printf '%s\n' "$found"
}

# --- what to put in ---------------------------------------------------------------------------

# The default requirements, pinned to what $python has of them.
pinned_requirements() {
  "$python" - "${DEFAULT_REQUIREMENTS[@]}" <<'PYTHON'
import re
import sys
from importlib import metadata

for requirement in sys.argv[1:]:
    name = re.match(r"[\w.-]+", requirement).group()
    try:
        print(f"{name}=={metadata.version(name)}")
    except metadata.PackageNotFoundError:
        print(requirement)
PYTHON
}

# Everything that decides what is made; kept beside it, and made again when it differs.
describe_recipe() {
  cat "$script_dir/make_emulation.sh" "$script_dir/run_on" | sha256sum
  printf '%s\n' "${requirements[@]}"
}

# --- Debian packages, without root and apart from this machine's own --------------------------

# in_apt ARCH SUITE COMMAND...: apt-get on a state directory of its own under $cache.
in_apt() {
  local arch=$1 suite=$2 state=$cache/apt/$1-$2
  shift 2
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  : >>"$state/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$archive" "$suite" >"$state/sources.list"
  cat >"$state/apt.conf" <<CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
Dir::State "$state";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "-";
CONF
  APT_CONFIG=$state/apt.conf apt-get -qq "$@"
}

# unpack_with_dependencies ARCH ROOT PACKAGE...: maintainer scripts are not run; nothing here needs them.
# Only what this very resolution names is unpacked: the cache may hold older versions too.
unpack_with_dependencies() {
  local arch=$1 root=$2 directory name version
  shift 2
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$root/$directory"; done
  in_apt "$arch" $BOARD_SUITE -y --download-only install "$@" >/dev/null
  in_apt "$arch" $BOARD_SUITE --simulate install "$@" |
    awk '$1 == "Inst" { gsub(/[(]/, "", $3); gsub(/:/, "%3a", $3); print $2, $3 }' |
    while read -r name version; do
      dpkg-deb --fsys-tarfile "$cache/apt/$arch-$BOARD_SUITE/cache/archives/${name}_${version}"_*.deb |
        tar -x -C "$root" --keep-directory-symlink --no-same-owner
    done
}

# --- the pieces -------------------------------------------------------------------------------

put_qemu() {
  local host_arch downloads=$cache/qemu
  host_arch=$(dpkg --print-architecture)
  rm -rf "$downloads"
  mkdir -p "$downloads"
  in_apt "$host_arch" $QEMU_SUITE update
  (cd "$downloads" && in_apt "$host_arch" $QEMU_SUITE download qemu-user >/dev/null)
  dpkg-deb --fsys-tarfile "$downloads"/qemu-user_*.deb |
    tar -x -C "$1" --strip-components=3 --no-same-owner ./usr/bin/qemu-aarch64
  rm -rf "$downloads"
}

put_python() {
  in_apt arm64 $BOARD_SUITE update
  unpack_with_dependencies arm64 "$1/root" "${BOARD_PACKAGES[@]}"
  ln -s python3.11 "$1/root/usr/bin/python3"
}

# By this machine's pip, for that platform, where Debian's Python looks for packages.
put_wheels() {
  local tag platforms=()
  for tag in manylinux2014 $(seq -f 'manylinux_2_%g' 17 36); do platforms+=(--platform "${tag}_aarch64"); done
  "$python" -m pip install -qq --disable-pip-version-check --root-user-action=ignore \
    --target "$1/root/usr/lib/python3/dist-packages" --python-version 3.11 --implementation cp \
    "${platforms[@]}" --only-binary=:all: "${requirements[@]}"
}

# What Debian's maintainer script would do, and pip has done for the wheels: without it every start of
# the emulated Python compiles what it imports, slowly. Bytecode is the same on every processor.
put_bytecode() {
  if [ "$("$python" -c 'import sys; print(sys.implementation.cache_tag)')" = cpython-311 ]; then
    "$python" -m compileall -q "$1/root/usr/lib/python3.11"
  fi
}

# put_board TREE NAME QEMU_CPU MODEL: a folder that qemu lays over this machine's files, so that a
# program finds the board's libraries, its device-tree model and its thermal zone.
put_board() {
  local board=$1/boards/$2 directory
  mkdir -p "$board/proc/device-tree" "$board/sys/class/thermal/thermal_zone0"
  for directory in lib etc usr; do ln -s "../../root/$directory" "$board/$directory"; done
  printf '%s\n' "$3" >"$board/.cpu"
  # The kernel ends the model with a NUL, and programs trip over it.
  printf '%s\0' "$4" >"$board/proc/device-tree/model"
  printf 'cpu-thermal\n' >"$board/sys/class/thermal/thermal_zone0/type"
  printf '48000\n' >"$board/sys/class/thermal/thermal_zone0/temp"
}

put_boards() {
  put_board "$1" pi3 cortex-a53 'Raspberry Pi 3 Model B Plus Rev 1.3'
  put_board "$1" pi4 cortex-a72 'Raspberry Pi 4 Model B Rev 1.4'
  put_board "$1" pi5 cortex-a76 'Raspberry Pi 5 Model B Rev 1.0'
}

try_out() {
  local said
  said=$("$1/run_on" pi3 python3.11 -c 'import platform; print(platform.machine(), platform.libc_ver()[1])')
  [ "$said" = 'aarch64 2.36' ] || die "a trial run said '$said' where 'aarch64 2.36' was expected"
}

# Built aside and renamed when whole, so that an interrupted run leaves nothing half made in use.
make_tree() {
  local aside=$target/tree.partial
  rm -rf "$aside" "$target/tree.old"
  mkdir -p "$aside"
  say "qemu from $QEMU_SUITE, Python from $BOARD_SUITE"
  put_qemu "$aside"
  put_python "$aside"
  say "wheels: ${requirements[*]}"
  put_bytecode "$aside"
  put_wheels "$aside"
  put_boards "$aside"
  install -m 755 "$script_dir/run_on" "$aside/run_on"
  try_out "$aside"
  describe_recipe >"$aside/recipe"
  [ ! -e "$target/tree" ] || mv "$target/tree" "$target/tree.old"
  mv "$aside" "$target/tree"
  rm -rf "$target/tree.old"
  ln -sfn tree/run_on "$target/run_on"
}

parse_arguments() {
  python=python3
  like=
  with_vm=
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) show_usage && exit 0 ;;
      --like) [ $# -ge 2 ] || die '--like needs a Python' && like=$2 python=$2 && shift 2 ;;
      --vm) with_vm=yes && shift ;;
      -*) die "no such option: $1 (see --help)" ;;
      *) break ;;
    esac
  done
  target=${1:-${TMPDIR:-/tmp}/arm-emulation}
  requirements=("${@:2}")
}

main() {
  local pins
  parse_arguments "$@"
  script_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  # shellcheck source=devices/emulation/virtual_machine.sh
  source "$script_dir/virtual_machine.sh"
  check_tools
  mkdir -p "$target"
  target=$(cd "$target" && pwd)
  cache=$target/downloads
  if [ ${#requirements[@]} -eq 0 ]; then
    requirements=("${DEFAULT_REQUIREMENTS[@]}")
    if [ -n "$like" ]; then
      pins=$(pinned_requirements)
      mapfile -t requirements <<<"$pins"
    fi
  fi
  # Two makers at once take turns; the second finds the work done.
  mkdir -p "$cache"
  exec 9>"$target/.lock"
  flock 9
  if [ -e "$target/tree/recipe" ] && [ "$(describe_recipe)" = "$(cat "$target/tree/recipe")" ]; then
    say "already made: $target/run_on BOARD COMMAND..."
  else
    check_namespaces
    archive=$(find_archive)
    make_tree
    say "made in $SECONDS s, $(du -sm "$target/tree" | cut -f1) MB: $target/run_on BOARD COMMAND..."
  fi
  [ -z "$with_vm" ] || make_vm
}

main "$@"
