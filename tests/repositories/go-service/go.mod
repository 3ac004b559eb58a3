module git.acme.example/harbour/crane

go 1.23.2

toolchain go1.23.3

require (
	github.com/charmbracelet/lipgloss v0.13.1
	github.com/google/uuid v1.6.0
	github.com/jackc/pgx/v5 v5.7.1
	github.com/spf13/cobra v1.8.1 // indirect
)

replace github.com/google/uuid => ./third_party/uuid

exclude github.com/jackc/pgx/v5 v5.6.0
