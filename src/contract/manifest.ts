import { z } from 'zod';
import { Sampling } from './sampling.ts';

/** Entries of a palette, used or not: P in docs/model-format.md. */
export const PALETTE_SIZE = 64;

const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name');
const Count = z.int().positive();

const ManifestFile = z.object({
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
});

const Graph = z.object({
  file: FileName,
  shards: z.array(FileName),
  multiplyAdds: z.int().nonnegative(),
});

/** Multiply-adds of the head are for one row: `fixed + perStep * headSteps`. Those of `steps` are for one step. */
const HeadGraph = Graph.extend({
  multiplyAdds: z.object({ fixed: z.int().nonnegative(), perStep: z.int().nonnegative() }),
});

const Colour = z.tuple([z.int(), z.int(), z.int(), z.int()]);

const Tokenizer = z.object({
  kind: z.enum(['patches', 'plain', 'referenced']),
  tokens: Count,
  channels: Count,
  palette: z.array(Colour).length(PALETTE_SIZE).optional(),
});

/** Everything that code needs to know about a model: `manifest.json`, docs/model-format.md. */
export const Manifest = z
  .object({
    format: z.literal(1),
    name: z.string().min(1),
    description: z.string(),
    licence: z.string(),
    credits: FileName,
    precision: z.enum(['int8', 'float']),
    frame: z.object({
      width: Count,
      height: Count,
      channels: z.union([z.literal(3), z.literal(4)]),
      perSecond: z.number().positive(),
    }),
    tokenizer: Tokenizer,
    backbone: z.object({ width: Count, layers: Count, heads: Count, window: Count }),
    labels: z.array(z.string().min(1)),
    interval: z.object({ default: Count, maximum: Count }),
    latentBound: z.number().positive(),
    defaults: z.object({
      frames: Count,
      ...Sampling.shape,
      /** Of a frame 0 that the model draws; absent: as the other frames. */
      firstFrame: Sampling.optional(),
    }),
    limits: z.object({ headSteps: Count }),
    graphs: z.object({
      encoder: Graph,
      past: Graph,
      backbone: Graph,
      steps: Graph,
      head: HeadGraph,
      decoder: Graph,
      reference: Graph.optional(),
      sketch: Graph.optional(),
    }),
    normalTable: FileName,
    files: z.record(FileName, ManifestFile),
    quantisation: z.unknown(),
    training: z.unknown(),
    quality: z.unknown(),
  })
  .superRefine((manifest, context) => {
    const referenced = manifest.tokenizer.kind === 'referenced';
    for (const name of ['reference', 'sketch'] as const) {
      if (referenced !== (manifest.graphs[name] !== undefined)) {
        context.addIssue(
          `graphs.${name} belongs to a referenced tokenizer, this one is ${manifest.tokenizer.kind}`,
        );
      }
    }
    if (referenced !== (manifest.tokenizer.palette !== undefined)) {
      context.addIssue(
        `tokenizer.palette belongs to a referenced tokenizer, this one is ${manifest.tokenizer.kind}`,
      );
    }
    for (const name of namedFiles(manifest)) {
      if (manifest.files[name] === undefined) context.addIssue(`files lacks ${name}`);
    }
  });
export type Manifest = z.infer<typeof Manifest>;

function namedFiles(manifest: Pick<Manifest, 'graphs' | 'normalTable'>): string[] {
  const graphs = Object.values(manifest.graphs).filter((graph) => graph !== undefined);
  return [manifest.normalTable, ...graphs.flatMap((graph) => [graph.file, ...graph.shards])];
}

/** The id of a label by its name; null is "no label", id 0. Undefined for an unknown name. */
export function labelId(manifest: Pick<Manifest, 'labels'>, name: string | null): number | undefined {
  if (name === null) return 0;
  const position = manifest.labels.indexOf(name);
  return position < 0 ? undefined : position + 1;
}
