@rem Gradle startup script for Windows
@if "%DEBUG%"=="" @echo off
setlocal
set DIRNAME=%~dp0
if "%DIRNAME%"=="" set DIRNAME=.
echo ERROR: JAVA_HOME isn't set ^
 and no 'java' command could be found 1>&2
"%JAVA_HOME%\bin\java.exe" %DEFAULT_JVM_OPTS% -jar "%DIRNAME%\gradle\wrapper\gradle-wrapper.jar" %*
