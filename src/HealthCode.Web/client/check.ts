// The guard's pages: scanning with the camera, a hardware scanner's keyboard input, or pasting.
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { decimal, fill, find, get, make, moment, onSubmit, post, prefix, Refused, say, showProblem, t, type Both } from './lib';
import { shape, staffPage } from './parts';

type Place = { id: string; name: Both; areaName: Both; asksTemperature: boolean };
type Answer = { go: boolean; colour: string; maskedName: string; temperature?: number; stopReason?: Both; passUntil?: string; asOf?: string };

prepareZXingModule({ overrides: { locateFile: (file: string) => (file.endsWith('.wasm') ? '/assets/zxing_reader.wasm' : file) } });

const places = (): Promise<void> => staffPage(['guard'], async () => {
  find('#places-section').hidden = false;
  const own = await get<Place[]>('/v1/places');
  fill(find('#places'), own.map((place) => make('li', {}, make('a', { href: `${prefix}/check/place?id=${encodeURIComponent(place.id)}` },
    make('strong', {}, say(place.name)), ` ${say(place.areaName)}${place.asksTemperature ? ` · ${t('temperature')}` : ''}`))), t('empty'));
});

const ShownMs = 4_000;
const SameCodeMs = 10_000;

const checkpoint = (): Promise<void> => staffPage(['guard'], async () => {
  const place = await get<Place>(`/v1/places/${encodeURIComponent(new URLSearchParams(location.search).get('id') ?? '')}`);
  const section = find('#checkpoint');
  section.hidden = false;
  find('#place-name').textContent = say(place.name);
  const temperature = find<HTMLInputElement>('#temperature');
  find('#temperature-field').hidden = !place.asksTemperature;
  const scanned = find<HTMLInputElement>('#scanned');
  let busy = false;
  let waiting = '';
  let last = { code: '', at: 0 };
  let hiding = 0;

  const ready = (): void => {
    find('#result').hidden = true;
    section.dataset.result = '';
    (place.asksTemperature && waiting ? temperature : scanned).focus();
  };
  const present = (kind: 'go' | 'stop' | 'refused', colour: string, ...lines: string[]): void => {
    const result = find('#result');
    section.dataset.result = kind;
    result.className = `result ${kind} ${colour}`;
    result.replaceChildren(shape(kind === 'go' ? 'green' : kind === 'stop' && colour === 'yellow' ? 'yellow' : 'red'),
      make('strong', {}, t(kind === 'go' ? 'check.go' : 'check.stop')), ...lines.filter((line) => line !== '').map((line) => make('p', {}, line)));
    result.hidden = false;
    result.focus();
    sound(kind === 'go');
    clearTimeout(hiding);
    hiding = window.setTimeout(ready, ShownMs);
  };

  const send = async (code: string): Promise<void> => {
    if (busy || (code === last.code && performance.now() - last.at < SameCodeMs)) return;
    busy = true;
    try {
      const answer = await post<Answer>(`/v1/places/${encodeURIComponent(place.id)}/scans`, { code, temperature: decimal(temperature.value.trim()) });
      section.dataset.problem = '';
      [waiting, last] = ['', { code, at: performance.now() }];
      temperature.value = '';
      present(answer.go ? 'go' : 'stop', answer.colour, say(answer.stopReason) || t(`colour.${answer.colour}`), answer.maskedName,
        answer.passUntil === undefined ? '' : t('check.pass', { until: moment(answer.passUntil) }), answer.temperature === undefined ? '' : `${answer.temperature} ℃`, answer.asOf === undefined ? '' : `⚠ ${t('asOf', { at: moment(answer.asOf) })}`);
    } catch (error) {
      if (!(error instanceof Refused)) {
        present('refused', '', t('problem.offline'), t('problem.offline.toDo'));
        return;
      }
      section.dataset.problem = error.refusal;
      last = { code, at: performance.now() };
      if (error.refusal === 'temperature-needed') {
        // The code is fine: it waits for the thermometer, and the guard need not scan again.
        [waiting, last] = [code, { code: '', at: 0 }];
        find('#camera-state').textContent = t('check.takeTemperature');
        temperature.focus();
      } else present('refused', '', say(error.problem.message), say(error.problem.whatToDo));
    } finally {
      busy = false;
    }
  };

  onSubmit('#scan', async () => {
    const code = scanned.value.trim() || waiting;
    scanned.value = '';
    if (code !== '') await send(code);
  });
  find('#result').addEventListener('click', ready);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') ready();
    // A hardware scanner types wherever the focus happens to be, also while a result still stands there.
    else if (event.key.length === 1 && event.key !== ' ' && !(event.target instanceof HTMLInputElement)) scanned.focus();
  });
  scanned.focus();
  await watch(section, (code) => (waiting === '' && find('#result').hidden ? void send(code) : undefined));
});

/** Reads the camera a few times a second; without one, the field for scanner and clipboard remains. */
async function watch(section: HTMLElement, found: (code: string) => void): Promise<void> {
  const video = find<HTMLVideoElement>('#camera');
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } });
    await video.play();
    section.dataset.camera = 'on';
  } catch {
    section.dataset.camera = 'off';
    video.hidden = true;
    find('#camera-state').textContent = t('check.noCamera');
    return;
  }
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const read = async (): Promise<void> => {
    if (video.videoWidth > 0) {
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      context.drawImage(video, 0, 0);
      const [code] = await readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height), { formats: ['QRCode'], maxNumberOfSymbols: 1, tryHarder: true });
      if (code?.isValid) found(code.text);
    }
    window.setTimeout(() => void read().catch(showProblem), 200);
  };
  await read();
}

/** Two rising notes for go, a low long one for stop. */
function sound(fine: boolean): void {
  const audio = new AudioContext();
  (fine ? [[660, 0, 0.12], [880, 0.14, 0.16]] : [[196, 0, 0.6]]).forEach(([pitch, at, long]) => {
    const [tone, gain] = [audio.createOscillator(), audio.createGain()];
    tone.type = fine ? 'sine' : 'square';
    tone.frequency.value = pitch!;
    gain.gain.value = 0.2;
    tone.connect(gain).connect(audio.destination);
    tone.start(audio.currentTime + at!);
    tone.stop(audio.currentTime + at! + long!);
  });
  window.setTimeout(() => void audio.close(), 1000);
}

(document.body.dataset.page === 'check' ? places() : checkpoint()).catch(showProblem);
