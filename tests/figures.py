#!/usr/bin/env python3
"""figures.py PROGRAM - what `print -f svg` writes is XML, its text is the table's, and nothing is in it that XML or a terminal would obey.

Every technique on the demo model, and prompts with characters that XML, CSS or a terminal take for their own; the labels and numbers
in the picture are compared with the JSON of the same question.
"""
import json, os, re, shutil, sys, tempfile
import xml.etree.ElementTree as ElementTree

import tapcheck
from tapcheck import check, skip

program = sys.argv[1]
SVG = '{http://www.w3.org/2000/svg}'
PROMPT, FOIL = 'the cat sat on the mat', 'the dog sat on the mat'
HOSTILE = 'a <b> & "c" \' ]]> \x1b[31m\u202egnp \u200b\x9b漢字 é 👍🏽 <![CDATA['


def run(*arguments, **options):
    return tapcheck.run(program, *arguments, **options)


def texts(root):
    return [''.join(e.itertext()) for e in root.iter(SVG + 'text')]


def parsed(what, svg):
    """The root of the tree; None, and a failure, where a strict parser refuses it."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as e:
        check(False, f'{what}: XML', e)
        return None
    bad = [hex(ord(c)) for c in svg.decode() if (ord(c) < 32 and c != '\n') or 127 <= ord(c) < 160 or c in '\u200b\u202e\u2066\ufffe\uffff']
    check(root.tag == SVG + 'svg' and not bad, f'{what}: an SVG without control characters', bad)
    outside = [e.tag for e in root.iter() if not e.tag.startswith(SVG)] + [a for e in root.iter() for a in e.attrib if a.startswith('on') or a.endswith('href')]
    check(not outside, f'{what}: nothing in it is run or fetched', outside)
    return root


def inside(root):
    """Every rectangle lies within the picture."""
    w, h = (float(x) for x in root.get('viewBox').split()[2:])
    for r in root.iter(SVG + 'rect'):
        if r.get('width') != '100%':
            x, y, dx, dy = (float(r.get(k)) for k in ('x', 'y', 'width', 'height'))
            if x < 0 or y < 0 or x + dx > w + .1 or y + dy > h + .1:
                return r.attrib
    return None


def shown(label):
    """A label as people see it: the picture's own rules for spaces are the screen's; only letters and digits are compared."""
    return re.sub(r'\W', '', label)


def compare(technique, *more):
    question = ['print', technique, 'demo', '-p', PROMPT, *more]
    status, _, said, svg = run(*question, '-f', 'svg')
    if not check(status == 0, f'{technique} as a figure', said):
        return
    root = parsed(technique, svg)
    if root is None:
        return
    table = json.loads(run(*question, '-f', 'json').out)
    found = [shown(t) for t in texts(root)]
    missing = [l for axis in ('rows', 'cols') if not (axis == 'cols' and technique in ('next-token',)) and not (axis == 'rows' and technique == 'next-token')
               for l in table[axis]['labels'] if shown(l) and not l.startswith('<|') and not any(shown(l) in t for t in found)]
    if 'edges' in table:  # a graph: its columns are tokens, its rows layers
        missing = [e for e in ('layer',) if not any(e in t for t in found)]
    check(not missing, f'{technique}: rows and columns have their labels', missing)
    if 'words' in table:
        missing = [w for row in table['words'] for w in row if w and len(w) < 8 and shown(w) and shown(w) not in found]
        check(not missing, f'{technique}: the words are there as text', missing)
    check(inside(root) is None, f'{technique}: all of it lies in the picture', inside(root))
    caption = ' '.join(texts(root))
    check(PROMPT in caption and table['model']['name'] in caption, f'{technique}: the caption says model and prompt', caption)
    desc = root.find(SVG + 'desc')
    check(desc is not None and PROMPT in desc.text, f'{technique}: so does the description')


def values():
    """The numbers in an attention figure are the table's, and what cannot be is not drawn."""
    question = ['print', 'attention', 'demo', '-p', PROMPT, '-s', 'layer=2', '-s', 'head=2']
    root = ElementTree.fromstring(run(*question, '-f', 'svg').raw)
    table = json.loads(run(*question, '-f', 'json').out)
    hints = [''.join(t.itertext()) for g in root.iter(SVG + 'g') for t in g.findall(SVG + 'title')]
    numbers = [float(h.rsplit(': ', 1)[1]) for h in hints]
    expected = [v for row in table['values'] for v in row if v is not None]
    check(len(numbers) == len(expected) and all(abs(a - b) <= .0051 for a, b in zip(numbers, expected)), 'cells carry the numbers of the table',
          list(zip(numbers, expected)))


def views():
    """--view draws what the preset's `view:` draws, in a figure and as text; what does not fit is refused, and so are numbers alone."""
    question = ['print', 'token-loss', 'demo', '-p', PROMPT]
    own, bars = (run(*question, '-f', 'svg', *more).raw for more in ([], ['--view', 'bars']))
    folder = tempfile.mkdtemp()
    preset = os.path.join(folder, 'bars.yaml')
    with open(preset, 'w') as f:
        f.write(f'model: demo\nprompt: {PROMPT}\npanes:\n  - [{{analysis: token-loss, view: bars}}]\n')
    status, _, said, kept = run('print', '--preset', preset, '-f', 'svg')
    check(status == 0 and kept == bars != own, "a preset's view is drawn, as --view draws it", said)
    with open(preset, 'a') as f:
        f.write('  - [{analysis: next-token}]\n')
    status, _, said, _ = run('print', '--preset', preset, '-f', 'svg')
    check(status == 2 and 'a figure is of one pane, and the preset has 2; --pane 1 … 2 chooses' in said, 'two panes are no figure', said)
    check(run('print', '--preset', preset, '-f', 'svg', '--pane', '1').raw == bars, '--pane 1 is the first alone')
    check('next token' in run('print', '--preset', preset, '--pane', '2').out.split('\n')[0], '--pane 2 is the second, also as text')
    status, _, said, _ = run('print', '--preset', preset, '--pane', '3')
    check(status == 2 and 'the preset has 2, not 3' in said, 'there is no third', said)
    status, _, said, _ = run('print', 'attention', 'demo', '-p', PROMPT, '--each', 'head', '-f', 'svg')
    check(status == 2 and '--each makes several' in said, 'several tables are no figure', said)
    check(run('print', '--preset', preset, '-f', 'svg', '--view', 'own', '--pane', '1').raw == own, '--view own: as the table is drawn by itself')
    drawn = run(*question, '--view', 'bars').out
    check('█' in drawn and '\x1b' not in drawn and 'mat' in drawn and '█' not in run(*question).out, '-f text is drawn where a view is named', drawn)
    for arguments, sentence in ((['--view', 'tree'], 'cannot be drawn as tree; it can as '), (['--view', 'nosuch'], 'expected heat, '),
                                (['--view', 'bars', '-f', 'json'], 'the numbers alone')):
        status, _, said, _ = run(*question, *arguments)
        check(status == 2 and sentence in said, f'{" ".join(arguments)} is refused', said)
    shutil.rmtree(folder)


def themes():
    plain = run('print', 'attention', 'demo', '-p', PROMPT, '-f', 'svg').raw
    again = run('print', 'attention', 'demo', '-p', PROMPT, '-f', 'svg', '--theme', 'print').raw
    dark = run('print', 'attention', 'demo', '-p', PROMPT, '-f', 'svg', '--theme', 'dusk').raw
    check(b'height="100%" fill="#ffffff"' in plain and plain == again, 'paper is white where no theme is asked for')
    check(dark != plain and b'height="100%" fill="#ffffff"' not in dark, '--theme chooses another')
    status, _, said, _ = run('print', 'attention', 'demo', '-p', PROMPT, '-f', 'svg', '--theme', 'nosuch')
    check(status != 0 and 'nosuch' in said, 'an unknown theme is refused', said)
    status, _, said, _ = run('print', 'attention', 'demo', '-p', PROMPT, '--theme', 'dusk')
    check(status == 2 and said.startswith('lmscope: --theme: text has no colours'), 'a theme of what has no colours is refused')
    status, _, said, _ = run('tokens', 'demo', '-p', PROMPT, '-f', 'svg')
    check(status == 2 and 'svg' in said, 'what is no table is not drawn', said)


def colored():
    status, _, said, ans = run('print', 'logit-lens', 'demo', '-p', HOSTILE, '-f', 'ans')
    left = re.sub(rb'\x1b\[[0-9;]*m', b'', ans)
    check(status == 0 and ans.count(b'\x1b[') > 20 and b'\x1b' not in left, '-f ans has colours and nothing else that a terminal obeys', said or left)
    check(all(line.endswith(b'\x1b[0m') or b'\x1b' not in line for line in ans.split(b'\n')), 'each line gives the colours back')


def help_and_locale():
    said = run('print', '--help').out
    check(all(f'  {f} ' in said for f in ('text', 'json', 'csv', 'svg', 'ans')), 'print --help explains the formats', said)
    check('svg' in run('--man').out and 'svg' not in run('info', '--help').out, 'so does the man page; info has no figure')
    with tempfile.TemporaryDirectory() as folder:
        made = shutil.which('localedef') and tapcheck.run('localedef', '-i', 'de_DE', '-f', 'UTF-8', folder + '/de_DE.UTF-8')
        if not made or not os.path.isdir(folder + '/de_DE.UTF-8'):
            skip('a locale with a decimal comma: localedef cannot make one here')
            return
        there = dict(os.environ, LOCPATH=folder, LC_ALL='de_DE.UTF-8')
        for question in (['-f', 'csv'], ['-f', 'svg'], ['-f', 'text', '-e', 'mlp_out 1 scale 0.5'], ['-f', 'json']):
            ask = ['print', 'head-attribution', 'demo', '-p', PROMPT, *question]
            check(run(*ask, env=there).raw == run(*ask).raw, f'{question[1]} is the same where numbers have a comma')


def main():
    techniques = [line.split()[0] for line in run('analyses').out.splitlines() if re.match(r'\s*[a-z]+(-[a-z]+)* +[A-Z]', line)]
    check(len(techniques) > 15, f'{len(techniques)} techniques')
    given = {'tuned-lens': ['-s', 'lens=presets/tuned_lens.safetensors'], 'projection': ['-s', 'tokens=" Mary" " John"']}
    for technique in techniques:
        # they need a file, and write one; experts are what the demo model does not have
        if technique not in ('subspace-interchange', 'train-tuned-lens', 'fit-jacobian-lens', 'expert-routing'):
            compare(technique, '--foil', FOIL, *given.get(technique, []))
    compare('head-attribution', '-e', 'head 1.2 zero', '--foil', FOIL)
    compare('attention', '--foil', FOIL, '--diff', 'foil')
    for text in (HOSTILE, '', ' ', '\n\n\t'):
        status, _, said, svg = run('print', 'logit-lens', 'demo', '-p', text, '-f', 'svg')
        if check(status == 0, f'the prompt {text!r}', said):
            parsed(f'the prompt {text!r}', svg)
    values()
    views()
    themes()
    colored()
    help_and_locale()
    return tapcheck.done()


sys.exit(main())
