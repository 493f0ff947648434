/**
 * The first code that runs, compiled for Java 8: it starts the program in this JVM when it is new
 * enough, else in the JDK that it finds. Depends on the JDK alone and names the program only by
 * reflection, since no class of the program can be loaded before the Java version is known. What is
 * public here the program calls, too.
 */
package io.github.distillcuda.launch;
