"""What a maker does: keys once, then a signature on each bundle."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: TID253 - [test] has it
    SECP256R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (  # noqa: TID253 - [test] has it
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edge.bundle.reader import open_bundle
from edge.bundle.signature import read_public_key
from edge.errors import InputError, OutputError
from edge.model_loader import DEFAULT_BUNDLE
from quantize.cli import main
from quantize.signing import make_keys, read_private_key, sign_bundle


def no_passphrase() -> str:
    pytest.fail("a passphrase was asked for")


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copy(DEFAULT_BUNDLE, tmp_path / "model.edge"))


def unpacked(bundle: Path, folder: Path) -> Path:
    with open_bundle(bundle) as opened:
        folder.mkdir()
        (folder / "manifest.json").write_bytes(opened.read_manifest())
        for entry in opened.manifest.files:
            path = folder / entry.path
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(opened.read(entry.path))
    return folder


def test_only_the_maker_may_read_the_private_key_and_everybody_the_public_one(
    tmp_path: Path,
) -> None:
    files = make_keys(tmp_path / "maker")
    assert files.private == tmp_path / "maker.private.pem"
    assert stat.S_IMODE(files.private.stat().st_mode) == 0o600
    assert read_public_key(files.public) == files.public_key
    key = read_private_key(files.private, ask_passphrase=no_passphrase)
    assert key.public_key == files.public_key
    assert not key.is_open_to_others


@pytest.mark.parametrize("there", ["maker.private.pem", "maker.public.pem"])
def test_a_key_is_never_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_bytes(b"years of signatures")
    with pytest.raises(OutputError, match="it exists, and a key is never overwritten"):
        make_keys(tmp_path / "maker")
    assert [each.name for each in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"years of signatures"


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "maker.private.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError):
        make_keys(tmp_path / "maker")
    assert not (tmp_path / "elsewhere").exists()


def test_where_keys_cannot_be_written_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file or directory"):
        make_keys(tmp_path / "missing" / "maker")


def test_a_signed_file_holds_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "maker")
    with open_bundle(bundle) as opened:
        manifest, digest = opened.read_manifest(), opened.digest
    assert run("sign", str(bundle), "--key", str(files.private)) == 0
    with open_bundle(bundle, trusted_keys=[files.public_key]) as opened:
        assert opened.read_manifest() == manifest
        assert opened.digest == digest
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "maker.private.pem",
        "maker.public.pem",
        "model.edge",
    ]


def test_a_signed_folder_differs_by_one_file(bundle: Path, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "maker")
    folder = unpacked(bundle, tmp_path / "model")
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    assert run("sign", str(folder), "--key", str(files.private)) == 0
    after = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    assert {each for each in after if each not in before} == {folder / "manifest.sig"}
    assert before.items() <= after.items()
    open_bundle(folder, trusted_keys=[files.public_key]).close()
    assert {each.name for each in tmp_path.iterdir()} == {
        "maker.private.pem",
        "maker.public.pem",
        "model",
        "model.edge",
    }


def test_with_an_output_the_given_bundle_stays_as_it_is(bundle: Path, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "maker")
    before = bundle.read_bytes()
    signed = tmp_path / "signed.edge"
    assert run("sign", str(bundle), "--key", str(files.private), "-o", str(signed)) == 0
    assert bundle.read_bytes() == before
    open_bundle(signed, trusted_keys=[files.public_key]).close()


def test_signing_twice_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    key = read_private_key(make_keys(tmp_path / "maker").private, ask_passphrase=no_passphrase)
    sign_bundle(bundle, key)
    first = bundle.read_bytes()
    signature, before = sign_bundle(bundle, key)
    assert bundle.read_bytes() == first
    assert before == signature


def test_another_maker_s_signature_is_replaced_and_that_is_said(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = make_keys(tmp_path / "one"), make_keys(tmp_path / "two")
    assert run("sign", str(bundle), "--key", str(one.private)) == 0
    assert "replaced" not in capsys.readouterr().out
    assert run("sign", str(bundle), "--key", str(two.private)) == 0
    assert f"replaced      the signature of key {one.public_key.hex()[:16]}" in (
        capsys.readouterr().out
    )
    open_bundle(bundle, trusted_keys=[two.public_key]).close()


def test_a_damaged_bundle_is_not_signed(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = make_keys(tmp_path / "maker")
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    assert run("sign", str(bundle), "--key", str(files.private)) == 4
    assert "SHA-256" in capsys.readouterr().err
    assert bundle.read_bytes() == data


def test_a_bundle_that_cannot_be_written_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    key = read_private_key(make_keys(tmp_path / "maker").private, ask_passphrase=no_passphrase)
    before = bundle.read_bytes()
    with pytest.raises(OutputError):
        sign_bundle(bundle, key, destination=tmp_path / "missing" / "signed.edge")
    assert bundle.read_bytes() == before


def test_a_key_that_others_can_read_signs_but_is_spoken_of(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = make_keys(tmp_path / "maker")
    files.private.chmod(0o644)
    assert run("sign", str(bundle), "--key", str(files.private)) == 0
    assert "chmod 600" in capsys.readouterr().err


def test_an_encrypted_key_asks_for_its_passphrase(bundle: Path, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "maker")
    key = load_pem_private_key(files.private.read_bytes(), None)
    files.private.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    read = read_private_key(files.private, ask_passphrase=lambda: "secret")
    sign_bundle(bundle, read)
    open_bundle(bundle, trusted_keys=[files.public_key]).close()
    with pytest.raises(InputError, match="its passphrase is another"):
        read_private_key(files.private, ask_passphrase=lambda: "wrong")
    with pytest.raises(InputError, match="its passphrase is another"):
        read_private_key(files.private, ask_passphrase=lambda: "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no private key in PEM form", id="empty"),
        pytest.param(b"\x00\xff" * 5000, "no private key in PEM form", id="noise"),
        pytest.param(
            generate_private_key(SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "of another kind than Ed25519",
            id="another kind",
        ),
    ],
)
def test_what_is_no_private_ed25519_key_is_refused_in_one_line(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_private_key(path, ask_passphrase=no_passphrase)
    assert "\n" not in str(caught.value)


def test_the_public_key_does_not_sign(tmp_path: Path) -> None:
    files = make_keys(tmp_path / "maker")
    with pytest.raises(InputError, match="no private key"):
        read_private_key(files.public, ask_passphrase=no_passphrase)


def test_the_commands_work_where_the_toolchain_is_not_installed(
    bundle: Path, tmp_path: Path
) -> None:
    """A maker may sign on a machine that does nothing else."""
    code = (
        "import sys\n"
        "for name in ('onnx', 'flatbuffers', 'ai_edge_litert'): sys.modules[name] = None\n"
        "from quantize.cli import main; main(sys.argv[1:])"
    )
    for words in (
        ["keygen", str(tmp_path / "maker")],
        ["sign", str(bundle), "--key", str(tmp_path / "maker.private.pem")],
    ):
        subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)
    open_bundle(bundle, trusted_keys=[read_public_key(tmp_path / "maker.public.pem")]).close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_checks_our_signature_and_we_take_its_keys(bundle: Path, tmp_path: Path) -> None:
    def openssl(*words: str) -> str:
        ended = subprocess.run(
            ["openssl", *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return ended.stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "theirs.private.pem")
    openssl("pkey", "-in", "theirs.private.pem", "-pubout", "-out", "theirs.public.pem")
    assert run("sign", str(bundle), "--key", str(tmp_path / "theirs.private.pem")) == 0
    public_key = read_public_key(tmp_path / "theirs.public.pem")
    with open_bundle(bundle, trusted_keys=[public_key]) as opened:
        (tmp_path / "manifest.json").write_bytes(opened.read_manifest())
        assert opened.signature is not None
        (tmp_path / "raw.sig").write_bytes(opened.signature.signature)
    said = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", "theirs.public.pem", "-rawin"),
        *("-in", "manifest.json", "-sigfile", "raw.sig"),
    )
    assert "Signature Verified Successfully" in said
