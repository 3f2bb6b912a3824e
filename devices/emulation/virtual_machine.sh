# shellcheck shell=bash
# virtual_machine.sh: the pieces of `make_emulation.sh --vm`, which sources this file.
#
# An arm64 Debian kernel under qemu-system, for what an emulated program alone cannot have: a
# kernel of its own with a camera. Debian's kernel comes with vivid, a driver that behaves as a
# camera does, and that can be unplugged.

readonly VM_QEMU_PACKAGES=(qemu-system-arm)
# What the guest needs before it has files: the ways to this machine, and the camera.
readonly VM_MODULES=(virtio_pci virtio_console 9pnet_virtio 9p vivid)

# put_vm_qemu TREE: this architecture's qemu with its libraries, from the board's Debian.
put_vm_qemu() {
  local host_arch
  host_arch=$(dpkg --print-architecture)
  in_apt "$host_arch" $BOARD_SUITE update
  unpack_with_dependencies "$host_arch" "$1/qemu" "${VM_QEMU_PACKAGES[@]}"
  rm -rf "$1"/qemu/usr/share/{bug,doc,icons,locale,man,mime}
}

# put_vm_kernel TREE SCRATCH: kernel and first files, all that is kept of two packages.
put_vm_kernel() {
  local tree=$1 scratch=$2 downloads=$cache/kernel kernel package
  in_apt arm64 $BOARD_SUITE update
  kernel=$(in_apt arm64 $BOARD_SUITE --simulate install linux-image-arm64 |
    awk '$1 == "Inst" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
  [ -n "$kernel" ] || die "$BOARD_SUITE has no linux-image for arm64"
  mkdir -p "$downloads"
  # Older ones would only take space; what is there already and right is not fetched again.
  find "$downloads" -name 'linux-image-*' ! -name "${kernel}_*" -delete
  (cd "$downloads" && in_apt arm64 $BOARD_SUITE download "$kernel" busybox-static >/dev/null)
  for package in "$downloads/$kernel"_*.deb "$downloads"/busybox-static_*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$scratch" --no-same-owner
  done
  cp "$scratch"/boot/vmlinuz-* "$tree/vmlinuz"
  put_vm_first_files "$scratch" "$tree/initrd"
}

# put_vm_first_files UNPACKED INITRD: busybox, the modules in the order of loading, and `init`.
put_vm_first_files() {
  local unpacked=$1 files=$1/first-files module
  mkdir -p "$files"/{bin,dev,modules,proc,sys}
  cp "$unpacked/bin/busybox" "$files/bin/busybox"
  install -m 755 "$script_dir/vm_init" "$files/init"
  local vm_module_number=0
  declare -A loaded_modules=()
  for module in "${VM_MODULES[@]}"; do add_vm_module "$unpacked/lib/modules" "$files/modules" "$module"; done
  (cd "$files" && find . | "$target/tree/qemu-aarch64" bin/busybox cpio -o -H newc 2>/dev/null) |
    gzip -1 >"$2"
}

# add_vm_module FROM TO MODULE: after those that it depends on, each once. What is no file is part
# of the kernel itself. A module's file may have "-" where its name has "_".
add_vm_module() {
  local from=$1 to=$2 name=$3 file dependencies dependency
  if [ -n "${loaded_modules[$name]:-}" ]; then return; fi
  loaded_modules[$name]=yes
  file=$(find "$from" -name "${name//_/[-_]}.ko" -print -quit)
  if [ -z "$file" ]; then return; fi
  dependencies=$(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p')
  for dependency in ${dependencies//,/ }; do add_vm_module "$from" "$to" "$dependency"; done
  vm_module_number=$((vm_module_number + 1))
  cp "$file" "$to/$(printf '%02d' "$vm_module_number")-${file##*/}"
}

describe_vm_recipe() {
  cat "$script_dir"/{make_emulation.sh,virtual_machine.sh,vm_init,run_in_vm} "$target/tree/recipe" |
    sha256sum
}

try_vm_out() {
  local said
  said=$("$1/run_in_vm" pi4 python3.11 -c 'import os; print(os.uname().machine, os.path.exists("/dev/video0"))')
  [ "$said" = 'aarch64 True' ] || die "the virtual machine said '$said' where 'aarch64 True' was expected"
}

# As `make_tree`: built aside, tried, renamed when whole.
make_vm() {
  local aside=$target/vm.partial
  if [ -e "$target/vm/recipe" ] && [ "$(describe_vm_recipe)" = "$(cat "$target/vm/recipe")" ]; then
    say "already made: $target/run_in_vm BOARD COMMAND..."
    return
  fi
  archive=$(find_archive)
  rm -rf "$aside" "$target/vm.old"
  mkdir -p "$aside/scratch"
  say "virtual machine: qemu and kernel from $BOARD_SUITE"
  put_vm_qemu "$aside"
  put_vm_kernel "$aside" "$aside/scratch"
  rm -rf "$aside/scratch"
  install -m 755 "$script_dir/run_in_vm" "$aside/run_in_vm"
  try_vm_out "$aside"
  describe_vm_recipe >"$aside/recipe"
  [ ! -e "$target/vm" ] || mv "$target/vm" "$target/vm.old"
  mv "$aside" "$target/vm"
  rm -rf "$target/vm.old"
  ln -sfn vm/run_in_vm "$target/run_in_vm"
  say "virtual machine after $SECONDS s, $(du -sm "$target/vm" | cut -f1) MB: $target/run_in_vm BOARD COMMAND..."
}
