#!/usr/bin/env python3
"""outward.py LMSCOPE - nothing that comes out of a file, a model or a name reaches a terminal, stdout or stderr as a control character, a
bidirectional mark or something invisible; JSON on a terminal reads back to the same."""
import json, os, pty, shutil, sys, tempfile

import tapcheck
from tapcheck import check

lmscope = os.path.abspath(sys.argv[1])
demo = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'models', 'demo')
evil = 'a\033]0;PWN\007b\033[31mc\u009bd\u202ee\u200bf\u2066g\x7fh'
forbidden = set(range(0x00, 0x20)) - {0x09, 0x0A} | set(range(0x7F, 0xA0)) | {0x200B, 0x202E, 0x2066}


def found(text):
    return sorted({hex(ord(c)) for c in text if ord(c) in forbidden})


def piped(*args):
    result = tapcheck.run(lmscope, *args)
    return result.out, result.err


def on_terminal(*args):
    """What the program writes when both outputs are a terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(lmscope, [lmscope, *args])
    out = b''
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.waitpid(pid, 0)
    # Progress is one line, written over from its beginning: what was overwritten is text like the rest, and is checked too.
    return out.decode('utf-8', 'replace').replace('\r\n', '\n').replace('\r', '\n')


with tempfile.TemporaryDirectory() as folder:
    model = os.path.join(folder, evil)
    shutil.copytree(demo, model)
    broken = os.path.join(folder, 'x' + evil + '.gguf')
    open(broken, 'wb').write(b'GGUF')
    preset = os.path.join(folder, evil + '.yaml')
    open(preset, 'w').write('model: demo\nprompt: "a\\x03\\e[201~\\u202e"\npanes:\n  - [{analysis: nonsense}]\n')
    prompt = 'Once ' + evil + ' upon'
    commands = [
        ('info', model), ('info', broken), ('tokens', model, '-p', prompt), ('generate', model, '-p', prompt, '-n', '2'),
        ('print', 'next-token', model, '-p', prompt), ('print', 'next-token', model, '-p', 'a', '-m', 'logit "%s"' % evil),
        ('print', 'next-token', 'demo', '-p', 'a', '-e', evil), ('print', '--preset', preset), ('print', evil, 'demo', '-p', 'a'),
        ('print', 'logit-lens', model, '-p', prompt, '-f', 'csv'), (evil, evil), ('--' + evil,), ('analyses', evil), ('perplexity', model, evil),
        ('verify', model, evil), ('bench', broken), ('direction', model, '--with', evil, '--without', evil),
    ]
    for args in commands:
        name = ' '.join(args[:2]).replace(folder, '').encode('unicode_escape').decode()[:60]
        out = on_terminal(*args)
        check(out and not found(out), 'on a terminal: ' + name, repr((found(out), out)))
        out, err = piped(*args)
        if 'csv' not in args:
            check(not found(out), 'in a pipe: ' + name, repr((found(out), out)))
        check(not found(err), 'its sentences: ' + name, repr((found(err), err)))
    for args in [('tokens', model, '-p', prompt, '-f', 'json'), ('info', model, '-f', 'json'),
                 ('print', 'next-token', model, '-p', prompt, '-f', 'json')]:
        there, bare = on_terminal(*args), piped(*args)[0]
        line = [part for part in there.split('\n') if part.startswith('{')][-1]
        check(not found(there), 'JSON on a terminal: ' + args[0], repr((found(there), there)))
        check(bare and json.loads(line) == json.loads(bare), 'and it reads back to what a pipe gets', repr((line, bare)))
sys.exit(tapcheck.done())
