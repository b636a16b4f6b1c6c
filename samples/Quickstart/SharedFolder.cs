namespace MlNetIcl.Quickstart;

/// <summary>Where models and data that several checkouts share are: <c>ICL_SHARED</c>, else <c>../shared</c>.</summary>
internal static class SharedFolder
{
    /// <summary>Null where there is none.</summary>
    public static string? Path
    {
        get
        {
            string folder = Environment.GetEnvironmentVariable("ICL_SHARED") is { Length: > 0 } named ? named : System.IO.Path.Combine("..", "shared");
            return Directory.Exists(folder) ? folder : null;
        }
    }
}
