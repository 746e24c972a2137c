import { z } from 'zod';

const Count = z.int().positive();

/** How the tokens of a frame are drawn: quality against time, and how much noise they begin with. */
export const Sampling = z.strictObject({
  decodeSteps: Count,
  headSteps: Count,
  temperature: z.number().nonnegative(),
});
export type Sampling = z.infer<typeof Sampling>;
