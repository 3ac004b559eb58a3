var app = WebApplication.CreateBuilder(args).Build();
// Cursor.Current and Gemini are stars of this module; "o1" is the lamp's model.
app.MapGet("/lamps", (string? cursor) => Results.Ok(new { cursor, model = "Fresnel o1" }));
app.Run();
