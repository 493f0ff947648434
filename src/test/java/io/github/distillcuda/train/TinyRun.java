package io.github.distillcuda.train;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.data.DataChoice;
import io.github.distillcuda.nn.Architecture;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** The settings of a run on {@link TinyData}, of which a test states those that matter to it. */
final class TinyRun {
  private Set<ModelRole> models = EnumSet.allOf(ModelRole.class);
  private double temperature = 5;
  private double alpha = 0.7;
  private int epochs = 2;
  private int teacherEpochs = 1;
  private int batchSize = 16;
  private double learningRate = 1e-2;
  private long seed = 42;
  private Architecture teacher = TinyData.TEACHER;
  private Architecture student = TinyData.STUDENT;
  private String teacherFile;
  private boolean recomputeTeacher;
  private Precision precision = Precision.AUTO;

  TinyRun models(Set<ModelRole> value) {
    models = value;
    return this;
  }

  TinyRun temperature(double value) {
    temperature = value;
    return this;
  }

  TinyRun alpha(double value) {
    alpha = value;
    return this;
  }

  TinyRun epochs(int ofTeacher, int ofStudents) {
    teacherEpochs = ofTeacher;
    epochs = ofStudents;
    return this;
  }

  TinyRun batchSize(int value) {
    batchSize = value;
    return this;
  }

  TinyRun learningRate(double value) {
    learningRate = value;
    return this;
  }

  TinyRun seed(long value) {
    seed = value;
    return this;
  }

  TinyRun networks(Architecture ofTeacher, Architecture ofStudents) {
    teacher = ofTeacher;
    student = ofStudents;
    return this;
  }

  TinyRun teacherFile(String value) {
    teacherFile = value;
    return this;
  }

  TinyRun recomputeTeacher(boolean value) {
    recomputeTeacher = value;
    return this;
  }

  TinyRun precision(Precision value) {
    precision = value;
    return this;
  }

  RunConfig config() {
    return new RunConfig(
        models,
        temperature,
        alpha,
        epochs,
        teacherEpochs,
        batchSize,
        learningRate,
        seed,
        teacher,
        student,
        teacherFile,
        null,
        Map.of(),
        recomputeTeacher,
        DataChoice.SYNTHETIC,
        null,
        null,
        true,
        Kernels.FUSED,
        Layers.CUDNN,
        precision,
        Engine.AUTO);
  }
}
