import { Manifest } from '../../src/contract/manifest.ts';

const file = { bytes: 1, sha256: '0'.repeat(64) };

function graph(name: string, multiplyAdds: number) {
  return { file: `${name}.onnx`, shards: [], multiplyAdds };
}

/** A small model of 8x6 RGBA frames with three labels; no files belong to it. */
export const sampleManifest: Manifest = Manifest.parse({
  format: 1,
  name: 'sample',
  description: 'made up for tests',
  licence: 'Apache-2.0',
  credits: 'CREDITS.md',
  precision: 'float',
  frame: { width: 8, height: 6, channels: 4, perSecond: 8 },
  tokenizer: { kind: 'patches', tokens: 4, channels: 4 },
  backbone: { width: 8, layers: 2, heads: 1, window: 2 },
  labels: ['walk', 'run', 'jump'],
  interval: { default: 1, maximum: 4 },
  latentBound: 4,
  defaults: { frames: 12, decodeSteps: 2, headSteps: 3, temperature: 1 },
  limits: { headSteps: 50 },
  graphs: {
    encoder: graph('encoder', 0),
    past: graph('past', 0),
    backbone: graph('backbone', 1000),
    steps: graph('steps', 0),
    head: { file: 'head.onnx', shards: [], multiplyAdds: { fixed: 10, perStep: 20 } },
    decoder: graph('decoder', 500),
  },
  normalTable: 'normal.bin',
  quantisation: null,
  training: null,
  quality: null,
  files: Object.fromEntries(
    ['encoder', 'past', 'backbone', 'steps', 'head', 'decoder']
      .map((name) => [`${name}.onnx`, file])
      .concat([['normal.bin', file]]),
  ),
});
