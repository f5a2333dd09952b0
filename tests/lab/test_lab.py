"""./lab with a PATH of our own: what it says and does when the machine is not as it should be."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SH = shutil.which("sh") or "sh"
TOOLS = ("cat", "cp", "cut", "date", "dirname", "grep", "mkdir", "rm", "sha256sum", "sleep", "tail")
TOOLS += ("touch",)

# Answers as Python, venv and pip would; every call is one line of $LOG.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >>"$LOG"
case $* in
    --version) echo "Python $FAKE_VERSION" ;;
    *"import venv"*) [ -e "$FAKE_VENV" ] || exit 1 ;;
    *version_info*) [ "$FAKE_VERSION" != 3.9.2 ] || exit 1 ;;
    "-m venv"*) mkdir -p .venv/bin && rm -f .venv/.lab-* && cp "$0" .venv/bin/python ;;
    *"pip install"*) sleep "$FAKE_SECONDS"; [ -z "$FAKE_PIP" ] || { echo "$FAKE_PIP"; exit 1; } ;;
esac
"""


class Lab:
    """A copy of ./lab and its locks in a folder, seen through a PATH that holds only fakes."""

    def __init__(self, folder: Path, *, with_flock: bool = True) -> None:
        self.home, self.bin, self.log = folder / "home", folder / "bin", folder / "log"
        self.home.mkdir()
        self.bin.mkdir()
        text = (ROOT / "lab").read_text()
        assert text.count(" /usr/bin/python3;") == 1
        (self.home / "lab").write_text(text.replace(" /usr/bin/python3;", ";"))
        for name in ("requirements.lock", "requirements-test.lock"):
            (self.home / name).write_text(f"one==1 # {name}\n")
        for tool in (*TOOLS, *(["flock"] if with_flock else [])):
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        (self.bin / "sh").symlink_to(SH)
        self.fake("id", "echo 1000")
        self.script("python3", FAKE_PYTHON)
        self.log.touch()
        self.env = {
            "PATH": str(self.bin),
            "LOG": str(self.log),
            "FAKE_VERSION": "3.11.2",
            "FAKE_VENV": str(folder),
            "FAKE_PIP": "",
            "FAKE_SECONDS": "0",
        }

    def script(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def fake(self, name: str, body: str) -> None:
        self.script(name, f"#!/bin/sh\n{body}\n")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [SH, "lab", *arguments],
            cwd=self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self) -> int:
        return self.log.read_text().count("pip install")

    def real_python(self) -> None:
        """A finished .venv around the interpreter that runs this test."""
        python = self.home / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        stamp = subprocess.run(
            ["sha256sum", self.home / "requirements.lock"], capture_output=True, check=True
        )
        (self.home / ".venv/.lab-run").write_bytes(stamp.stdout.split()[0])


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_help_names_every_verb(lab: Lab):
    status, out, _ = lab.run("help")
    assert status == 0
    assert all(f"./lab {verb}" in out for verb in ("serve", "test", "bench", "help"))


def test_an_unknown_verb_is_refused(lab: Lab):
    status, out, err = lab.run("sreve")
    assert (status, out) == (2, "")
    assert "no verb 'sreve'" in err
    assert lab.log.read_text() == ""


@pytest.mark.parametrize(
    "arguments",
    [("--port", "x"), ("--port", "65536"), ("--port",), ("--workers=0",), ("--prot", "1")],
)
def test_a_wrong_option_is_refused_before_anything_is_made(lab: Lab, arguments):
    status, _, err = lab.run("serve", *arguments)
    assert status == 2
    assert arguments[0].partition("=")[0] in err
    assert lab.log.read_text() == ""


def test_a_too_old_python_is_named(lab: Lab):
    lab.env["FAKE_VERSION"] = "3.9.2"
    status, _, err = lab.run("serve")
    assert status == 1
    assert "3.11" in err
    assert "found Python 3.9.2" in err
    assert len(err.splitlines()) == 1


def test_a_missing_venv_module_gets_the_apt_line(lab: Lab):
    lab.env["FAKE_VENV"] = "/nowhere"
    status, _, err = lab.run("serve")
    assert status == 1
    assert err == "lab: python3 has no venv module: sudo apt-get install python3-venv\n"


def test_root_gets_the_venv_module_installed(lab: Lab, tmp_path: Path):
    marker = tmp_path / "has-venv"
    lab.env["FAKE_VENV"] = str(marker)
    lab.fake("id", "echo 0")
    lab.fake("apt-get", f'echo "apt $*" >>"$LOG"; case $* in *install*) : >{marker} ;; esac')
    status, _, err = lab.run("bench")
    assert status == 0, err
    calls = [line for line in lab.log.read_text().splitlines() if line.startswith("apt")]
    assert calls[0].endswith("update")
    assert calls[1].endswith("install -y python3-venv")


@pytest.mark.parametrize(
    ("pip_says", "we_say"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying: NewConnectionError(...)\nERROR: No matching", "no network"),
        ("ERROR: No matching distribution found for numba==0", "numba==0 on this platform"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "DO NOT MATCH THE HASHES"),
    ],
)
def test_a_failed_install_says_why_in_one_line_and_is_not_stamped(lab: Lab, pip_says, we_say):
    lab.env["FAKE_PIP"] = pip_says
    status, _, err = lab.run("serve")
    assert status == 1
    assert we_say in err.splitlines()[-1]
    assert not list(lab.home.glob(".venv/.lab-*"))
    lab.env["FAKE_PIP"] = ""
    assert lab.run("bench")[0] == 0
    assert lab.log.read_text().count("-m venv --clear") == 2


def test_it_installs_once_and_again_when_a_lock_changes(lab: Lab):
    assert lab.run("bench")[0] == 0
    assert lab.run("bench")[0] == 0
    assert lab.installs() == 1
    (lab.home / "requirements.lock").write_text("two==2\n")
    assert lab.run("bench")[0] == 0
    assert lab.installs() == 2
    assert lab.log.read_text().count("-m venv") == 1


@pytest.mark.parametrize("with_flock", [True, False])
def test_two_at_once_install_once(tmp_path: Path, with_flock):
    lab = Lab(tmp_path, with_flock=with_flock)
    lab.env["FAKE_SECONDS"] = "1"
    both = [lab.start("bench", name) for name in ("first", "second")]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("another ./lab is installing" in err for err in said) == 1
    assert lab.installs() == 1


def test_a_dead_owner_of_the_lock_is_forgotten(tmp_path: Path):
    lab = Lab(tmp_path, with_flock=False)
    dead = subprocess.Popen(["true"])
    dead.wait()
    (lab.home / ".lab.lock.d").mkdir()
    (lab.home / ".lab.lock.d/pid").write_text(str(dead.pid))
    assert lab.run("bench")[0] == 0
    assert lab.installs() == 1


@pytest.mark.parametrize("ci", [True, False])
def test_no_chromium_is_loud_and_fatal_only_in_ci(lab: Lab, ci):
    lab.env["CI"] = "true" if ci else ""
    status, _, err = lab.run("test", "-k", "some thing")
    assert status == (1 if ci else 0)
    assert "apt-get install chromium" in err
    assert ("SKIPPED" in err) is not ci
    assert ("--dist=loadfile -k some thing" in lab.log.read_text()) is not ci


def test_every_step_runs_and_a_failed_one_fails_the_run(lab: Lab):
    lab.fake("chromium", "")
    lab.script(
        "python3", FAKE_PYTHON.replace("--version)", '*"-m mypy"*) exit 1 ;;\n    --version)')
    )
    status, _, err = lab.run("test")
    assert status == 1
    assert err.splitlines()[-1] == "lab: failed: mypy"
    order = [
        line for line in lab.log.read_text().splitlines() if line.startswith(("-m", "-c from"))
    ]
    beside = [line for line in order if "warm" in line]
    assert len(beside) == 1
    order.remove(beside[0])
    words = ("venv", "pip", "compileall", "ruff check", "ruff format", "mypy", "importlinter")
    assert len(order) == len(words) + 1
    assert all(word in line for word, line in zip((*words, "pytest"), order, strict=True))


def test_kernels_that_do_not_compile_fail_the_run(lab: Lab):
    lab.fake("chromium", "")
    lab.script(
        "python3", FAKE_PYTHON.replace("--version)", '*"-m sim warm"*) exit 1 ;;\n    --version)')
    )
    status, _, err = lab.run("test")
    assert (status, err.splitlines()[-1]) == (1, "lab: failed: kernels")


def test_a_taken_port_names_its_holder(lab: Lab):
    lab.real_python()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = lab.run("serve", "--port", str(port))
    assert (status, out) == (2, "")
    line = err.splitlines()[-1]
    assert f"port {port} is taken by " in line
    if Path("/proc/net/tcp").exists():
        assert f"pid {os.getpid()}, " in line


@pytest.fixture
def served(lab: Lab) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """./lab serve --port 0 over a page of two lines."""
    lab.real_python()
    for package, module, text in (
        ("sim", "__main__", "import sys; print('warm', sys.argv)"),
        ("dashboard", "wsgi", "def server(environ, start):\n start('200 OK', []); return [b'hi']"),
    ):
        (lab.home / package).mkdir()
        (lab.home / package / "__init__.py").touch()
        (lab.home / package / f"{module}.py").write_text(text + "\n")
    with lab.start("serve", "--port=0") as process:
        assert process.stdout
        url = next((line for line in process.stdout if "http" in line), "")
        yield process, url.partition(" is at ")[2].split(" ")[0]
        process.kill()


def test_port_0_picks_a_free_port_and_serves_the_page(served):
    process, url = served
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"hi"
    process.send_signal(signal.SIGTERM)  # ./lab became gunicorn: its pid ends the page
    assert process.wait(timeout=20) == 0
