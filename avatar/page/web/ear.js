// A microphone, heard beside the page (AudioWorklet) so that drawing does not disturb it.

import { Resampler } from './resample.js';

const BLOCK = 640; // samples of 16 kHz that come at a time: 0.04 s

export const WRONG = {
  NotAllowedError: 'The microphone was refused. Allow it beside the address, and press again.',
  NotFoundError: 'No microphone was found. Plug one in, and press again.',
  NotReadableError: 'The microphone cannot be opened: another program may hold it.',
};

function worklet(block) {
  class Ear extends AudioWorkletProcessor {
    constructor() {
      super();
      this.resampler = new Resampler(sampleRate);
      this.waiting = [];
      this.begun = null;
    }

    process([[sound]]) {
      if (!sound) return true;
      this.begun ??= currentTime;
      this.waiting.push(...this.resampler.push(sound));
      while (this.waiting.length >= block) {
        const samples = this.waiting.splice(0, block);
        const level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / block);
        const pcm = Resampler.pcm(samples).buffer;
        this.port.postMessage({ pcm, level, begun: this.begun }, [pcm]);
      }
      return true;
    }
  }
  registerProcessor('ear', Ear);
}

// Hear until stop() is called. heard({ pcm, level, begun }): every 0.04 s, begun in the context's
// time; lost(): the microphone is gone; beside: what the page plays is not to be heard.
export async function openEar(context, heard, lost, beside = false) {
  if (!navigator.mediaDevices) throw new Error('Browsers give a page the microphone only over https, or on the machine that serves it. Start the server with --cert and --key.');
  const wanted = { echoCancellation: beside, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
  const address = URL.createObjectURL(new Blob([`${Resampler}\n(${worklet})(${BLOCK})`], { type: 'text/javascript' }));
  try {
    await context.audioWorklet.addModule(address);
  } finally {
    URL.revokeObjectURL(address);
  }
  const source = context.createMediaStreamSource(stream);
  const ear = new AudioWorkletNode(context, 'ear', { channelCount: 1, channelCountMode: 'explicit' });
  ear.port.onmessage = ({ data }) => heard(data);
  stream.getAudioTracks()[0].onended = lost;
  source.connect(ear).connect(context.destination); // it says nothing, but is asked for sound
  return () => {
    ear.port.onmessage = null;
    stream.getTracks().forEach((track) => ((track.onended = null), track.stop()));
    source.disconnect();
    ear.disconnect();
  };
}
