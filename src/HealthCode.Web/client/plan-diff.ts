// What is different between two texts, line by line.
import { make, t } from './lib';

export type Line = { sign: '+' | '-' | ' '; text: string; before?: number; after?: number };

/** The longest common subsequence, in a table of the lines between the first and the last that differ. */
export function diff(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { endA--; endB--; }

  const [rows, columns] = [endA - start, endB - start];
  const longest = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      longest[i]![j] = a[start + i] === b[start + j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);

  const lines: Line[] = [];
  const same = (i: number, j: number): void => void lines.push({ sign: ' ', text: a[i]!, before: i + 1, after: j + 1 });
  for (let i = 0; i < start; i++) same(i, i);
  let [i, j] = [0, 0];
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[start + i] === b[start + j]) same(start + i++, start + j++);
    else if (i < rows && (j === columns || longest[i + 1]![j]! >= longest[i]![j + 1]!)) {
      lines.push({ sign: '-', text: a[start + i]!, before: start + i + 1 });
      i++;
    } else {
      lines.push({ sign: '+', text: b[start + j]!, after: start + j + 1 });
      j++;
    }
  }
  for (let k = 0; endA + k < a.length; k++) same(endA + k, endB + k);
  return lines;
}

const ContextLines = 2;

/** The lines that differ with a little around them; the sign stands in the text, so that colour is not all there is. */
export function showDiff(place: HTMLElement, before: string, after: string): void {
  const lines = diff(before, after);
  const near = (index: number): boolean => lines.slice(Math.max(0, index - ContextLines), index + ContextLines + 1).some((line) => line.sign !== ' ');
  const shown: HTMLElement[] = [];
  lines.forEach((line, index) => {
    if (near(index))
      shown.push(make('div', { class: line.sign === '+' ? 'added' : line.sign === '-' ? 'removed' : 'same' },
        make('span', { class: 'number' }, String(line.after ?? line.before)), ` ${line.sign} ${line.text}`));
    else if (index > 0 && near(index - 1)) shown.push(make('div', { class: 'same' }, '⋯'));
  });
  place.replaceChildren(...(shown.length > 0 ? shown : [make('p', { class: 'hint' }, t('plans.diff.none'))]));
}
