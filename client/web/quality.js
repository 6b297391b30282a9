// What getStats() and the server's `uplink` say, in plain words: the worst cause, if there is one.

import {t} from './strings.js';

const kEvery = 2000;
const kReportEvery = 5;      // of these
const kQualityEvery = 3;     // of these
const kSettling = 2;         // of these: while a stream begins, what is missing is no fault
const kRate = 48000;         // of Opus, as WebRTC counts samples
const kPacketsToJudge = 20;  // fewer: nobody has talked

// The difference of two readings of an inbound stream and what came of it.
function reading(stats) {
  const now = {at: 0, packets: 0, lost: 0, concealed: 0, silent: 0, samples: 0, held: 0, emitted: 0, wanted: 0,
    bytesIn: 0, bytesOut: 0, rtt: null, jitter: 0};
  stats.forEach((entry) => {
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
      now.at = entry.timestamp;
      now.packets = entry.packetsReceived ?? 0;
      now.lost = entry.packetsLost ?? 0;
      now.concealed = entry.concealedSamples ?? 0;
      now.silent = entry.silentConcealedSamples ?? 0;
      now.samples = entry.totalSamplesReceived ?? 0;
      now.held = entry.jitterBufferDelay ?? 0;
      now.emitted = entry.jitterBufferEmittedCount ?? 0;
      now.wanted = entry.jitterBufferTargetDelay ?? 0;
      now.bytesIn = entry.bytesReceived ?? 0;
      now.jitter = (entry.jitter ?? 0) * 1000;
    }
    if (entry.type === 'outbound-rtp' && entry.kind === 'audio') now.bytesOut = entry.bytesSent ?? 0;
    if (entry.type === 'candidate-pair' && entry.nominated && entry.currentRoundTripTime !== undefined)
      now.rtt = entry.currentRoundTripTime * 1000;
  });
  return now;
}

function change(now, before) {
  const d = (key) => now[key] - before[key];
  return {
    loss: d('packets') + d('lost') > 20 ? Math.max(d('lost'), 0) / (d('packets') + Math.max(d('lost'), 0)) : 0,
    gaps: d('samples') > 0 ? Math.max(d('concealed') - d('silent'), 0) / d('samples') : 0,
    buffer_ms: d('emitted') > 0 ? (d('held') / d('emitted')) * 1000 : 0,
    rtt_ms: now.rtt,
    jitter_ms: now.jitter,
    packets: d('packets'),
  };
}

// Of the message `quality` (docs/protocol.md): what this end measured between two readings. What is not known is left out.
export function report(now, before, call) {
  const d = (key) => Math.max(now[key] - before[key], 0);
  const seconds = (now.at - before.at) / 1000;
  const out = call === null ? {path: 'mcu-udp'} : {path: 'direct', call};
  if (now.rtt !== null) out.round_trip_ms = Math.min(now.rtt, 60000);
  if (!(seconds > 0)) return out;
  out.received_kbps = (d('bytesIn') * 8) / 1000 / seconds;
  out.sent_kbps = (d('bytesOut') * 8) / 1000 / seconds;
  const expected = d('packets') + d('lost');
  if (expected < kPacketsToJudge) return out;
  out.received_loss = d('lost') / expected;
  out.received_jitter_ms = now.jitter;
  out.concealed_ms = Math.min((Math.max(d('concealed') - d('silent'), 0) / kRate) * 1000, 60000);
  if (d('emitted') > 0) {
    out.delay_ms = Math.min((d('held') / d('emitted')) * 1000, 60000);
    out.target_ms = Math.min((d('wanted') / d('emitted')) * 1000, 60000);
  }
  return out;
}

// {grade: 'good' | 'fair' | 'bad' | 'unknown', text}
export function judge(down, uplink) {
  const percent = (fraction) => Math.round(fraction * 100);
  const causes = [
    [down.loss >= 0.02, down.loss >= 0.1, () => t('quality.lossDown', {percent: percent(down.loss)})],
    [(uplink?.loss ?? 0) >= 0.02, (uplink?.loss ?? 0) >= 0.1,
      () => t('quality.lossUp', {percent: percent(uplink.loss)})],
    [down.gaps >= 0.03, down.gaps >= 0.1, () => t('quality.gaps')],
    [(down.rtt_ms ?? 0) >= 250, (down.rtt_ms ?? 0) >= 600, () => t('quality.slow', {ms: Math.round(down.rtt_ms)})],
    [down.buffer_ms >= 200, down.buffer_ms >= 500, () => t('quality.jitter', {ms: Math.round(down.buffer_ms)})],
  ];
  const worst = causes.find(([, bad]) => bad) ?? causes.find(([fair]) => fair);
  if (worst === undefined) return {grade: 'good', text: t('quality.good')};
  return {grade: worst[1] ? 'bad' : 'fair', text: worst[2]()};
}

// Calls `show` with a judgement every two seconds until stopped, and tells the server what this end measures.
export function watch(call, show) {
  let before = null;
  let reported = null;
  let of = null;
  let uplink = null;
  let round = 0;
  let age = 0;
  let lastGaps = 0;
  const heard = ({detail}) => (uplink = detail);
  call.addEventListener('uplink', heard);
  const timer = setInterval(async () => {
    const media = call.direct.isActive ? call.direct : call.media;
    if (call.state !== 'live' || media === null) return;
    const now = reading(await media.stats());
    if (of !== media) {
      age = 0;
      reported = now;
    }
    if (before !== null && of === media && ++age >= kSettling) {
      const down = change(now, before);
      // One gap is an accident, two in a row are a state.
      [down.gaps, lastGaps] = [Math.min(down.gaps, lastGaps), down.gaps];
      show(judge(down, media === call.direct ? null : uplink));
      if (++round % kReportEvery === 0) call.request('stats', {report: {browser: true, ...down}}).catch(() => {});
      if (age % kQualityEvery === 0) {
        const id = media === call.direct ? call.direct.id : null;
        call.request('quality', report(now, reported, id)).catch(() => {});
        reported = now;
      }
    }
    before = now;
    of = media;
  }, kEvery);
  return () => {
    clearInterval(timer);
    call.removeEventListener('uplink', heard);
  };
}
