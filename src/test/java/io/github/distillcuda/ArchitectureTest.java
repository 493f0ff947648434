package io.github.distillcuda;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static java.util.stream.Collectors.toMap;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Arrows point down only, and what is native or printed stays where it belongs. */
class ArchitectureTest {
  private static final String ROOT = "io.github.distillcuda.";

  /** Who may import whom, besides itself and libraries. */
  private static final Map<String, String> MAY_IMPORT =
      """
      launch            :
      cli               : launch train distill data checkpoint nn backend tensor failure
      train             : distill data checkpoint nn backend tensor failure
      distill           : nn backend backend.host tensor failure
      data              : nn backend tensor pickle user failure
      checkpoint        : nn backend tensor pickle failure
      nn                : backend tensor failure
      backend           : tensor failure
      tensor            : failure
      pickle            :
      user              :
      failure           :
      backend.reference : backend tensor failure
      backend.host      : backend tensor failure
      backend.onednn    : backend backend.host tensor ffi failure
      backend.cuda      : backend tensor cuda failure
      cuda              : ffi failure
      ffi               : user failure
      """
          .lines()
          .map(line -> line.split(" *: *", 2))
          .collect(toMap(row -> row[0], row -> row[1]));

  private static JavaClasses program;

  @BeforeAll
  static void readTheProgram() {
    program =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.github.distillcuda");
  }

  @TestFactory
  Stream<DynamicTest> arrowsPointDown() {
    return MAY_IMPORT.entrySet().stream()
        .map(
            row ->
                DynamicTest.dynamicTest(
                    row.getKey(), () -> check(arrowsFrom(row.getKey(), row.getValue()))));
  }

  private static ArchRule arrowsFrom(String name, String allowed) {
    String[] targets = packages(name + " " + allowed);
    return classes()
        .that()
        .resideInAPackage(packages(name)[0])
        // The one class that names the implementations, to choose among them.
        .and()
        .doNotHaveFullyQualifiedName(ROOT + "backend.Backends")
        .should()
        .onlyDependOnClassesThat(resideOutsideOfPackage(ROOT + ".").or(resideInAnyPackage(targets)))
        .as("%s may import %s".formatted(name, allowed));
  }

  @Test
  void everyPackageHasItsPlace() {
    check(classes().should().resideInAnyPackage(packages(String.join(" ", MAY_IMPORT.keySet()))));
  }

  @Test
  void nativeMemoryStopsAtTheBackends() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(packages("ffi cuda backend.onednn backend.cuda"))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.lang.foreign.."));
  }

  @Test
  void jcudaStaysInFfi() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(packages("ffi"))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jcuda.."));
  }

  @Test
  void onlyTheCommandLinePrints() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(packages("cli launch"))
            .should(ACCESS_STANDARD_STREAMS));
  }

  @Test
  void onlyTheCommandLineParsesArguments() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(packages("cli"))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("picocli.."));
  }

  @Test
  void nothingIsLogged() {
    check(
        noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.util.logging..", "org.slf4j.."));
  }

  /** A rule that no class falls under, as after a package was renamed, fails. */
  private static void check(ArchRule rule) {
    rule.check(program);
  }

  /** The packages of these names with what is below them; {@code backend} without its own. */
  private static String[] packages(String names) {
    return Arrays.stream(names.trim().split(" +"))
        .map(name -> ROOT + name + (name.equals("backend") ? "" : ".."))
        .toArray(String[]::new);
  }
}
