plugins {
    java
    id("org.springframework.boot") version "3.3.5"
}
repositories { maven("https://maven.acme.example/") }
dependencies {
    implementation("org.springframework.boot:spring-boot-starter-web")
    implementation("com.acme:gemini-crypto:1.4.0")
    testImplementation("org.junit.jupiter:junit-jupiter:5.11.3")
}
tasks.register<Exec>("site") { commandLine("npx", "antora@3.1", "playbook.yml") }
