// The rules of editions/national-9.yaml as CertLogic expressions, evaluated for each line of a file of inputs (certlogic.sql
// says what is in them). Prints the seconds that evaluating took and a digit for each person: 1 green, 2 yellow, 3 red.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { evaluate } = createRequire(import.meta.url)('certlogic-js');

const day = 1440;
const v = (path) => ({ var: path });
const not = (rule) => ({ '!': [rule] });
const and = (...rules) => (rules.length === 1 ? rules[0] : { and: rules });
const atLeast = (path, number) => ({ '>=': [v(path), number] });
const below = (path, number) => ({ '<': [v(path), number] });
const is = (path, value) => ({ '===': [v(path), value] });
const ever = (name) => atLeast(`${name}.age`, 0);
const noRelease = (name) => not(v(`${name}.released`));
const due = (name, days) => and(atLeast(`${name}.age`, 7 * day), ...days.map((from, index) => atLeast(`${name}.from${from}`, days.length - index)));

// In the edition's order; the first seven are red.
const rules = [
  { in: [v('diagnosis'), [2, 3]] },
  { if: [is('diagnosis', 1), true, v('positive')] },
  and(ever('close'), noRelease('close'), not(due('close', [1, 2, 3, 5, 7]))),
  and(ever('secondary'), noRelease('secondary'), not(due('secondary', [1, 4, 7]))),
  and(ever('abroad'), noRelease('abroad'), not(due('abroad', [1, 2, 3, 5, 7]))),
  and(ever('high'), below('high.age', 7 * day), noRelease('high')),
  v('isolated'),
  and(atLeast('recovered', 0), below('recovered', 7 * day), not(v('health'))),
  and(ever('closeWatched'), noRelease('closeWatched'), not(and(atLeast('closeWatched.age', 10 * day), v('closeWatched.tested')))),
  and(ever('abroadWatched'), noRelease('abroadWatched'), not(and(atLeast('abroadWatched.age', 10 * day), v('abroadWatched.tested')))),
  and(ever('medium'), below('medium.age', 7 * day), noRelease('medium')),
  v('monitored'),
  and(ever('ill'), below('ill.age', 14 * day), not(v('ill.tested'))),
];
const reds = 7;

const people = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => JSON.parse(line));

const decide = (person) => {
  let colour = 1;
  rules.forEach((rule, index) => {
    if (evaluate(rule, person)) colour = Math.max(colour, index < reds ? 3 : 2);
  });
  return colour;
};

// Once over everybody lets the engine compile what is hot; then the best of three counts.
people.forEach(decide);
let best = Infinity;
let colours = [];
for (let round = 0; round < 3; round++) {
  const begin = process.hrtime.bigint();
  colours = people.map(decide);
  best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e9);
}
console.log(JSON.stringify({ seconds: best, colours: colours.join('') }));
