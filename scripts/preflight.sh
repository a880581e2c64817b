#!/bin/sh
# What must be there before anything is installed, said first: preflight.sh PYTHON MEGABYTES COMMAND
# Python 3.11 to 3.13 with its venv module, and room on the disk. Plain sh, since there may be no Python.
python=$1 needed=$2 command=$3

stop() {
    printf 'imagewise: %s\n' "$@" >&2
    exit 2
}

others() { # commands of suitable Pythons, without the one that was asked
    for candidate in python3.13 python3.12 python3.11; do
        [ "$candidate" != "$python" ] && command -v "$candidate" >/dev/null 2>&1 && echo "$candidate"
    done
}

advice() {
    other=$(others | head -n 1)
    if [ -n "$other" ]; then
        echo "$other is installed; type: $command PYTHON=$other"
    else
        echo "Install Python 3.11, 3.12 or 3.13 from https://www.python.org/downloads/, then type: $command PYTHON=/path/to/python3"
    fi
}

if ! command -v "$python" >/dev/null 2>&1; then
    apt=""
    command -v apt-get >/dev/null 2>&1 && apt=" Your system may have one: sudo apt-get install python3 python3-venv"
    stop "Python is not installed: there is no command $python.$apt" "$(advice)"
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
case $version in
3.11 | 3.12 | 3.13) ;;
"") stop "$python does not start." "$(advice)" ;;
*) stop "$python is Python $version, and imagewise needs 3.11, 3.12 or 3.13." "$(advice)" ;;
esac

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1; then
        stop "Python $version lacks its venv module." "Type: sudo apt-get install python$version-venv"
    fi
    stop "Python $version lacks its venv module." "Install Python from https://www.python.org/downloads/, which has it."
fi

free=$(df -Pk . 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
if [ -n "$free" ] && [ "$free" -lt "$needed" ]; then
    stop "$command needs about $needed MB on the disk of this folder, and $free MB are free." \
        "Free some space, or move this folder to another disk."
fi
