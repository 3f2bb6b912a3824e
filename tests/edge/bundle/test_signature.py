"""A signed bundle: what is accepted, and what is refused in one line."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from bundle_samples import FILES, assert_is_one_line, write_sample
from cryptography.hazmat.primitives import serialization  # noqa: TID253
from cryptography.hazmat.primitives.asymmetric import ec, x25519  # noqa: TID253
from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: TID253 - [test] has it
    Ed25519PrivateKey,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edge
from edge.bundle.reader import open_bundle
from edge.bundle.signature import (
    Signature,
    check_signature,
    key_name,
    parse_signature,
    public_key_to_pem,
    read_public_key,
    signature_to_text,
)
from edge.bundle.writer import copy_bundle
from edge.cli import main as run_main
from edge.errors import BundleError, EdgeError, InputError, SignatureError, UsageError
from edge.model_loader import DEFAULT_BUNDLE, LoadOptions
from edge.selftest import run_selftest

QUICK = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw()
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    pytest.param(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        id="TEST 1",
    ),
    pytest.param(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        id="TEST 2",
    ),
    pytest.param(
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        id="TEST 3",
    ),
    pytest.param(
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        id="TEST SHA(abc)",
    ),
]


def signed(manifest: bytes) -> Signature:
    return Signature(MAKER_KEY, MAKER.sign(manifest))


def sign(path: Path) -> Path:
    """Sign a bundle where it lies."""
    with open_bundle(path) as bundle:
        signature = signed(bundle.read_manifest())
        if path.is_dir():
            (path / "manifest.sig").write_bytes(signature_to_text(signature))
        else:
            copy_bundle(bundle, path, signature=signature)
    return path


@pytest.fixture(params=["file", "folder"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An unsigned bundle, in both shapes."""
    return write_sample(tmp_path / ("sample.edge" if request.param == "file" else "sample"))


def refusal(path: Path, *keys: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path, trusted_keys=keys)
    assert_is_one_line(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_published_vectors_are_accepted(key: str, message: str, signature: str) -> None:
    given = Signature(bytes.fromhex(key), bytes.fromhex(signature))
    assert check_signature(bytes.fromhex(message), given, [bytes.fromhex(key)]) == given.public_key


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_a_published_vector_with_any_bit_of_its_signature_changed_is_refused(
    key: str, message: str, signature: str
) -> None:
    sound = bytes.fromhex(signature)
    for bit in range(0, 8 * len(sound), 7):
        changed = bytearray(sound)
        changed[bit // 8] ^= 1 << bit % 8
        given = Signature(bytes.fromhex(key), bytes(changed))
        with pytest.raises(SignatureError, match="is not what key"):
            check_signature(bytes.fromhex(message), given, [bytes.fromhex(key)])


def test_the_second_form_of_a_signature_is_refused() -> None:
    """RFC 8032, 5.1.7: S lies below the order, so that nobody makes a second one of the first."""
    sound = signed(b"manifest")
    scalar = int.from_bytes(sound.signature[32:], "little") + ORDER
    other = Signature(MAKER_KEY, sound.signature[:32] + scalar.to_bytes(32, "little"))
    with pytest.raises(SignatureError):
        check_signature(b"manifest", other, [MAKER_KEY])


def test_a_signed_bundle_opens_where_its_key_is_trusted_and_says_who_signed_it(
    bundle: Path,
) -> None:
    with open_bundle(sign(bundle), trusted_keys=[OTHER_KEY, MAKER_KEY]) as opened:
        assert opened.signed_by == MAKER_KEY
        assert opened.signature is not None


def test_without_trusted_keys_a_bundle_may_be_signed_or_not(bundle: Path) -> None:
    with open_bundle(bundle) as opened:
        assert opened.signature is None
        digest = opened.digest
    with open_bundle(sign(bundle)) as opened:
        assert opened.signature is not None
        assert opened.signed_by is None
        assert opened.digest == digest, "signing does not change which model it is"


def test_an_unsigned_bundle_is_refused_where_a_signature_is_asked_for(bundle: Path) -> None:
    text = refusal(bundle, MAKER_KEY)
    assert "is not signed" in text
    assert key_name(MAKER_KEY) in text


def test_a_bundle_of_another_maker_is_refused_and_both_keys_are_named(bundle: Path) -> None:
    text = refusal(sign(bundle), OTHER_KEY)
    assert f"is signed with key {key_name(MAKER_KEY)}, which is not trusted here" in text
    assert key_name(OTHER_KEY) in text


def test_a_manifest_changed_after_it_was_signed_is_refused(tmp_path: Path) -> None:
    folder = sign(write_sample(tmp_path / "sample"))
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"adults only", b"adults_only"))
    open_bundle(folder).close()
    assert "manifest.json is not what key" in refusal(folder, MAKER_KEY)


def test_a_file_changed_after_the_manifest_was_signed_is_refused(tmp_path: Path) -> None:
    folder = sign(write_sample(tmp_path / "sample"))
    (folder / "report.html").write_bytes(b"<p>\xc3\xa8</p>")
    assert "SHA-256" in refusal(folder, MAKER_KEY)


def test_a_signature_that_claims_a_trusted_key_is_no_use_without_it(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "sample")
    own = Ed25519PrivateKey.generate()
    forged = Signature(MAKER_KEY, own.sign((folder / "manifest.json").read_bytes()))
    (folder / "manifest.sig").write_bytes(signature_to_text(forged))
    assert "is not what key" in refusal(folder, MAKER_KEY)


def test_the_signature_is_checked_before_the_manifest_is_looked_into(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "sample")
    (folder / "manifest.json").write_bytes(b"{")
    assert "is not signed" in refusal(folder, MAKER_KEY)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00" * 232, id="zeros"),
        pytest.param(signature_to_text(signed(b""))[:-1], id="cut short"),
        pytest.param(signature_to_text(signed(b"")) + b"\n", id="a line more"),
        pytest.param(signature_to_text(signed(b"")).replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(signature_to_text(signed(b"")).upper(), id="capitals"),
        pytest.param(signature_to_text(signed(b"")).replace(b" 1", b" 2"), id="another form"),
        pytest.param(b"\x1b[2J" * 2000, id="too long, for a terminal"),
    ],
)
def test_what_is_no_signature_is_refused_even_where_none_is_asked_for(
    text: bytes, tmp_path: Path
) -> None:
    folder = write_sample(tmp_path / "sample")
    (folder / "manifest.sig").write_bytes(text)
    refusal(folder)
    refusal(folder, MAKER_KEY)


@pytest.mark.parametrize("name", ["manifest.sig.bak", "signature", "golden/manifest.sig"])
def test_a_file_that_the_manifest_does_not_name_is_still_refused(name: str, tmp_path: Path) -> None:
    folder = sign(write_sample(tmp_path / "sample"))
    shutil.copy(folder / "manifest.sig", folder / name)
    assert "also holds" in refusal(folder, MAKER_KEY)


def test_a_manifest_cannot_name_the_signature_that_covers_it(tmp_path: Path) -> None:
    folder = sign(write_sample(tmp_path / "sample"))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"].append({"path": "manifest.sig", "sha256": "0" * 64, "size_bytes": 232})
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "signs the manifest; leave it out" in refusal(folder)


@QUICK
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_are_a_signature_or_refused_in_one_line(data: bytes) -> None:
    try:
        found = parse_signature(data)
    except SignatureError as error:
        assert_is_one_line(error)
    else:
        assert signature_to_text(found) == data


@QUICK
@given(place=st.integers(0, 231), byte=st.integers(0, 255))
def test_a_signature_file_with_any_byte_changed_is_refused(place: int, byte: int) -> None:
    manifest = b"{}"
    sound = signature_to_text(signed(manifest))
    assert len(sound) == 232
    changed = sound[:place] + bytes([byte]) + sound[place + 1 :]
    if changed == sound:
        return
    with pytest.raises(SignatureError) as caught:
        check_signature(manifest, parse_signature(changed), [MAKER_KEY])
    assert_is_one_line(caught.value)


@QUICK
@given(key=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_a_signature_comes_back_from_its_text(key: bytes, signature: bytes) -> None:
    given = Signature(key, signature)
    assert parse_signature(signature_to_text(given)) == given


def signed_file() -> tuple[bytes, bytes]:
    """A signed bundle's file, and its manifest."""
    with tempfile.TemporaryDirectory() as folder:
        path = sign(write_sample(Path(folder) / "sound.edge"))
        with open_bundle(path) as opened:
            return path.read_bytes(), opened.read_manifest()


SIGNED_FILE, MANIFEST = signed_file()


@QUICK
@given(data=st.data())
def test_a_signed_file_with_any_byte_changed_never_passes_for_signed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sound = SIGNED_FILE
    place = data.draw(st.integers(0, len(sound) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = sound[:place] + bytes([byte]) + sound[place + 1 :]
    path = tmp_path_factory.getbasetemp() / "changed.edge"
    path.write_bytes(changed)
    try:
        with open_bundle(path, trusted_keys=[MAKER_KEY]) as opened:
            # Dates and permissions in the zip's records mean nothing.
            assert opened.digest == hashlib.sha256(MANIFEST).hexdigest()
            assert {each: opened.read(each) for each in FILES} == FILES
    except BundleError as error:
        assert_is_one_line(error)


def test_the_key_file_of_a_maker_is_read(tmp_path: Path) -> None:
    path = tmp_path / "maker.public.pem"
    path.write_bytes(public_key_to_pem(MAKER_KEY))
    assert read_public_key(path) == MAKER_KEY
    assert path.read_bytes() == MAKER.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pem: pem.replace(b"\n", b"\r\n"), id="line ends of Windows"),
        pytest.param(lambda pem: b"The maker's key\n\n" + pem + b"\n\n", id="text around it"),
    ],
)
def test_a_key_file_may_have_been_through_an_editor(change, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(change(public_key_to_pem(MAKER_KEY)))
    assert read_public_key(path) == MAKER_KEY


def pem_of(public_key) -> bytes:
    return public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no PEM file with one public key", id="empty"),
        pytest.param(MAKER_KEY, "no PEM file with one public key", id="the raw key"),
        pytest.param(
            MAKER.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "is a private key, which never leaves its maker",
            id="the private key",
        ),
        pytest.param(
            pem_of(ec.derive_private_key(7, ec.SECP256R1()).public_key()),
            "is no Ed25519 key",
            id="of another kind",
        ),
        pytest.param(
            pem_of(x25519.X25519PrivateKey.from_private_bytes(bytes(32)).public_key()),
            "is no Ed25519 key",
            id="of a like kind",
        ),
        pytest.param(
            public_key_to_pem(MAKER_KEY) * 2, "no PEM file with one public key", id="two keys"
        ),
        pytest.param(public_key_to_pem(MAKER_KEY[:-1]), "is no Ed25519 key", id="a byte too few"),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\nMCow=BQ\n-----END PUBLIC KEY-----",
            "is no Ed25519 key",
            id="no base64",
        ),
    ],
)
def test_a_file_without_one_public_key_is_refused(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_public_key(path)
    assert_is_one_line(caught.value)


@pytest.mark.parametrize("name", ["missing.pem", ".", "a\0b"])
def test_a_key_that_cannot_be_read_is_an_input_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_public_key(f"{tmp_path}/{name}")
    assert_is_one_line(caught.value)


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_key_or_refused_in_one_line(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "key.pem"
    for content in (data, b"-----BEGIN PUBLIC KEY-----\n" + data + b"\n-----END PUBLIC KEY-----\n"):
        path.write_bytes(content)
        try:
            assert len(read_public_key(path)) == 32
        except InputError as error:
            assert_is_one_line(error)


def test_a_model_is_loaded_from_a_signed_bundle_only_where_that_is_asked_for() -> None:
    with pytest.raises(SignatureError, match="is not signed"):
        edge.load(options=LoadOptions(trusted_keys=(MAKER_KEY,)))
    with pytest.raises(SignatureError, match="is not signed"):
        list(run_selftest(options=LoadOptions(trusted_keys=(MAKER_KEY,))))


def test_the_self_test_of_a_signed_bundle_passes(tmp_path: Path) -> None:
    path = Path(shutil.copy(DEFAULT_BUNDLE, tmp_path / "signed.edge"))
    options = LoadOptions(engine="onnxruntime", trusted_keys=(MAKER_KEY,))
    checks = list(run_selftest(sign(path), options))
    assert checks
    assert all(check.is_passed for check in checks)


def test_a_bare_model_file_cannot_be_signed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be signed"):
        edge.load(path, options=LoadOptions(trusted_keys=(MAKER_KEY,)))


def test_without_cryptography_a_signed_bundle_is_refused_and_the_extra_is_named(
    tmp_path: Path,
) -> None:
    path = sign(write_sample(tmp_path / "sample.edge"))
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from edge.bundle.reader import open_bundle\n"
        "from edge.errors import UsageError\n"
        f"open_bundle({str(path)!r}).close()\n"
        "try:\n"
        f"    open_bundle({str(path)!r}, trusted_keys=[bytes.fromhex({MAKER_KEY.hex()!r})])\n"
        "except UsageError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'edgedx[signature]'" in ended.stdout


def test_a_signature_error_is_a_bundle_error_with_a_code_of_its_own() -> None:
    assert issubclass(SignatureError, BundleError)
    assert issubclass(SignatureError, EdgeError)
    assert (SignatureError.code, SignatureError.exit_code) == ("signature", 4)


def test_edge_run_answers_from_signed_bundles_only_where_it_is_told_to(
    tmp_path: Path, sample_films: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "maker.public.pem"
    key.write_bytes(public_key_to_pem(MAKER_KEY))
    path = Path(shutil.copy(DEFAULT_BUNDLE, tmp_path / "model.edge"))
    words = [str(sample_films[0]), "--model", str(path), "--require-signature", str(key), "--json"]
    for code, change in ((4, lambda: None), (0, lambda: sign(path))):
        change()
        with pytest.raises(SystemExit) as ended:
            run_main(words)
        assert ended.value.code == code
    output = capsys.readouterr()
    assert "is not signed" in output.err
    assert json.loads(output.out)["status"] == "ok"
