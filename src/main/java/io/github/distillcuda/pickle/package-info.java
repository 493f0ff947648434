/**
 * The one machine that reads Python's pickles, and executes nothing. May import nothing of this
 * program.
 *
 * <p>{@link io.github.distillcuda.pickle.PickleReader} has everything that keeps a hostile file in
 * bounds. A format is a subclass in the package that reads its files: the names, calls and further
 * opcodes that it needs, and its words for a {@link io.github.distillcuda.pickle.PickleFault}.
 */
package io.github.distillcuda.pickle;
