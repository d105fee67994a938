using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace HealthCode.Storage.Migrations
{
    /// <inheritdoc />
    public partial class BirthDecades : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<short>(
                name: "BirthDecade",
                table: "Profiles",
                type: "INTEGER",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "BirthDecade",
                table: "Profiles");
        }
    }
}
